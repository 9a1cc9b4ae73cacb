package repository

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/backup"
)

// The process that TestKill kills: this program with the action, the repository, the
// store, the target of a restoration, and the step at which it kills itself in the
// environment.
const (
	crashAction = "REPOSITORY_CRASH_ACTION"
	crashPlace  = "REPOSITORY_CRASH_PLACE"
	crashStore  = "REPOSITORY_CRASH_STORE"
	crashTarget = "REPOSITORY_CRASH_TARGET"
	crashStep   = "REPOSITORY_CRASH_STEP"
)

func TestMain(m *testing.M) {
	if action := os.Getenv(crashAction); action != "" {
		if err := crashing(action); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A mortal backend kills the process at one of its steps, as kill -9 does. Steps are
// before and after each change, and after each read of what is stored.
type mortal struct {
	backend
	left int // steps until the end
}

func (m *mortal) step() {
	if m.left--; m.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

func (m *mortal) put(ctx context.Context, name string, c content) error {
	m.step()
	if m.left%2 == 0 {
		c.file = "" // copies instead of linking
	}
	open := c.open
	c.open = func() (io.ReadCloser, error) {
		in, err := open()
		if err != nil {
			return nil, err
		}
		return readCloser{&counted{in, func(int) { m.step() }}, in}, nil
	}
	err := m.backend.put(ctx, name, c)
	m.step()
	return err
}

func (m *mortal) remove(ctx context.Context, name string) error {
	m.step()
	err := m.backend.remove(ctx, name)
	m.step()
	return err
}

// crashing works until it kills itself or is done.
func crashing(action string) error {
	ctx := context.Background()
	r, err := Prepare(os.Getenv(crashPlace), Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	m := &mortal{backend: r.backend}
	if m.left, err = strconv.Atoi(os.Getenv(crashStep)); err != nil {
		return err
	}
	r.backend = m
	switch action {
	case "create":
		_, err = r.Create(ctx, Source{Stage: func(context.Context) (string, *account.Contents, error) {
			return os.Getenv(crashStore), &account.Contents{}, nil
		}}, nil)
	case "prune":
		_, err = r.Prune(ctx, Keep{Last: 2}, false)
	case "restore":
		var id string
		if id, err = r.Newest(ctx); err == nil {
			_, err = r.Restore(ctx, id, os.Getenv(crashTarget), func(int64, int64) { m.step() })
		}
	}
	return err
}

// TestKill lets a process that creates, prunes or restores a backup kill itself at each of
// its steps. After each time every backup that was there is there and sound, or was to be
// pruned; and whatever is listed can be restored. The same call then succeeds.
func TestKill(t *testing.T) {
	k := newKit(t)
	k.o.Now = time.Now
	stored := map[string]map[string]string{}
	next := 0
	change := func() { // tables are created and removed, as in a store
		for range 3 {
			next++
			k.write(fmt.Sprintf("%06d.sst", next), fmt.Sprint(next, rand.Int64()))
			_ = os.Remove(filepath.Join(k.store, backup.Store, fmt.Sprintf("%06d.sst", next-6)))
		}
		k.write("MANIFEST", fmt.Sprint(next))
	}
	content := func() map[string]string { return tree(t, filepath.Join(k.store, backup.Store)) }
	for range 5 { // 3 of them are pruned
		change()
		b, err := k.Create(t.Context(), k.source(), nil)
		if err != nil {
			t.Fatal(err)
		}
		stored[b.ID] = content()
	}
	for _, action := range []string{"prune", "create", "restore"} {
		target := filepath.Join(t.TempDir(), "restored")
		change()
		killed := 0
		for step := 1; k.killed(action, target, step); step++ {
			killed++
			k.afterKill(action, target, stored, content())
		}
		k.afterKill(action, target, stored, content())
		t.Logf("%s: killed %d times, %d backups are there", action, killed, len(stored))
		if killed < 5 {
			t.Errorf("%s was killed %d times", action, killed)
		}
	}
}

// killed runs an action in a process, and reports whether the process killed itself.
func (k *kit) killed(action, target string, step int) bool {
	k.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashAction+"="+action, crashPlace+"="+k.place, crashStore+"="+k.store, crashTarget+"="+target, crashStep+"="+strconv.Itoa(step))
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.Exited() {
		k.t.Fatalf("%s: %v\n%s", action, err, out)
	}
	return !cmd.ProcessState.Exited()
}

func isThere(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// afterKill checks the repository and the target of a restoration, and updates stored to
// the backups that there are.
func (k *kit) afterKill(action, target string, stored map[string]map[string]string, now map[string]string) {
	k.t.Helper()
	k.sound()
	all, err := k.List(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	there := map[string]bool{}
	for i, b := range all {
		there[b.ID] = true
		want, known := stored[b.ID]
		if !known {
			if action != "create" {
				k.t.Errorf("%s made the backup %s", action, b.ID)
			}
			want = now
			stored[b.ID] = now
		}
		if i < len(all)-2 && known {
			continue // checked before; Verify has read it
		}
		if diff := cmp.Diff(want, k.restored(b.ID)); diff != "" {
			k.t.Errorf("the backup %s (-want +got):\n%s", b.ID, diff)
		}
	}
	for id := range stored {
		if there[id] {
			continue
		}
		if action != "prune" {
			k.t.Errorf("%s lost the backup %s", action, id)
		}
		delete(stored, id)
	}
	if len(there) < 2 {
		k.t.Errorf("%d backups are left, at least 2 were to stay", len(there))
	}
	if !isThere(target) {
		if _, err := backup.Check(target + PartialSuffix); err == nil {
			k.t.Error("an incomplete restoration passes as a backup")
		}
		return
	}
	if _, err := backup.Check(target); err != nil {
		k.t.Error(err)
	}
	if diff := cmp.Diff(stored[all[len(all)-1].ID], tree(k.t, filepath.Join(target, backup.Store))); diff != "" {
		k.t.Errorf("the restored files (-want +got):\n%s", diff)
	}
}
