package repository

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/testutil"
)

// The process that TestKill kills: this program with the action, the repository, the
// store and the target of a restoration in the environment.
const (
	crashAction = "REPOSITORY_CRASH_ACTION"
	crashPlace  = "REPOSITORY_CRASH_PLACE"
	crashStore  = "REPOSITORY_CRASH_STORE"
	crashTarget = "REPOSITORY_CRASH_TARGET"
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

// crashing works until it is killed or done.
func crashing(action string) error {
	ctx := context.Background()
	r, err := Prepare(os.Getenv(crashPlace), Options{})
	if err != nil {
		return err
	}
	defer r.Close()
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
			_, err = r.Restore(ctx, id, os.Getenv(crashTarget), nil)
		}
	}
	return err
}

// TestKill kills a process that creates, prunes or restores a backup, as kill -9 does, at
// random moments. After each time every backup that was there is there and sound, or was
// to be pruned; and whatever is listed can be restored. The same call then succeeds.
func TestKill(t *testing.T) {
	k := newKit(t)
	k.o.Now = time.Now
	stored := map[string]map[string]string{}
	next := 0
	change := func() { // tables are created and removed, as in a store
		for range 5 {
			next++
			k.write(fmt.Sprintf("%06d.sst", next), fmt.Sprint(next, rand.Int64()))
			_ = os.Remove(filepath.Join(k.store, backup.Store, fmt.Sprintf("%06d.sst", next-10)))
		}
		k.write("MANIFEST", fmt.Sprint(next))
	}
	content := func() map[string]string { return tree(t, filepath.Join(k.store, backup.Store)) }
	for range 3 {
		change()
		b, err := k.Create(t.Context(), k.source(), nil)
		if err != nil {
			t.Fatal(err)
		}
		stored[b.ID] = content()
	}
	killed, took := 0, 100*time.Millisecond
	for round := range 9 {
		action := []string{"create", "prune", "restore"}[round%3]
		target := filepath.Join(t.TempDir(), "restored")
		change()
		for attempt := 0; ; attempt++ {
			if attempt < 3 {
				dead, d := k.killed(action, target, rand.N(took))
				if !dead {
					took = d
				} else {
					killed++
				}
			} else if dead, d := k.killed(action, target, -1); dead {
				t.Fatalf("%s does not end", action)
			} else {
				took = d
			}
			k.afterKill(action, target, stored, content())
			if attempt >= 3 {
				break
			}
		}
	}
	t.Logf("killed %d times, %d backups are left", killed, len(stored))
	if killed == 0 {
		t.Error("no process was killed")
	}
}

// killed runs an action in a process and kills it after a time, unless that is negative. It
// reports whether the process was killed, and how long it ran.
func (k *kit) killed(action, target string, after time.Duration) (bool, time.Duration) {
	k.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashAction+"="+action, crashPlace+"="+k.place, crashStore+"="+k.store, crashTarget+"="+target)
	out := new(testutil.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	if after >= 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err = cmd.Wait()
	if err != nil && cmd.ProcessState.Exited() && !(action == "restore" && isThere(target)) {
		k.t.Fatalf("%s: %v\n%s", action, err, out)
	}
	return !cmd.ProcessState.Exited(), time.Since(start)
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
		if _, err := backup.Check(target + PartialSuffix); err == nil && isThere(filepath.Join(target+PartialSuffix, restoreLock)) {
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
