package backups

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/repository"
	"rollcall/internal/testutil"
)

func TestParse(t *testing.T) {
	c := config.Config{BackupTo: "backups", BackupSchedule: "15 3 * * *", BackupKeep: "last=2", BackupDrillSchedule: "CRON_TZ=Asia/Shanghai 0 4 * * 0"}
	s, _, err := Parse(&c)
	if err != nil || !strings.HasSuffix(s.Place, "/backups") || *s.Keep != (repository.Keep{Last: 2}) {
		t.Fatalf("Parse = %+v, %v", s, err)
	}
	at := time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC)
	if got, want := s.Schedule.Next(at), time.Date(2026, 11, 29, 3, 15, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("the next backup is at %v, want %v", got, want)
	}
	if got, want := s.Drills.Next(at), time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("the next drill is at %v, want %v", got, want)
	}
	for _, tt := range []struct {
		c         config.Config
		key, want string
	}{
		{config.Config{BackupSchedule: "@daily"}, "backup_schedule", "needs {backup_to}"},
		{config.Config{BackupKeep: "last=1"}, "backup_keep", "needs {backup_to}"},
		{config.Config{BackupDrillSchedule: "@daily"}, "backup_drill_schedule", "needs {backup_to}"},
		{config.Config{BackupS3CredentialsFile: "f"}, "backup_s3_credentials_file", "needs {backup_to}"},
		{config.Config{BackupAgeRecipients: []string{"age1"}}, "backup_age_recipients", "needs {backup_to}"},
		{config.Config{BackupTo: "b", BackupS3CredentialsFile: "f"}, "backup_s3_credentials_file", "is for a bucket"},
		{config.Config{BackupTo: "b", BackupAgeRecipients: []string{"age1"}}, "backup_age_recipients", "is no public key of age"},
		{config.Config{BackupTo: "b", BackupAgeRecipients: []string{"age1"}, BackupDrillSchedule: "@daily"}, "backup_drill_schedule", "cannot decrypt its backups"},
		{config.Config{BackupTo: "s3://B"}, "backup_to", "the name of the bucket"},
		{config.Config{BackupTo: "a\x00"}, "backup_to", "NUL"},
		{config.Config{BackupTo: "d", Data: "d"}, "backup_to", "is the data directory"},
		{config.Config{BackupTo: "d/accounts", Data: "d"}, "backup_to", "is a directory of the server"},
		{config.Config{BackupTo: "d/uploads/x", Data: "./d"}, "backup_to", "is a directory of the server"},
		{config.Config{BackupTo: "s/x", Data: "d", Store: "pebble:s"}, "backup_to", "is a directory of the server"},
		{config.Config{BackupTo: "b", BackupSchedule: "3"}, "backup_schedule", "give five fields"},
		{config.Config{BackupTo: "b", BackupSchedule: "* * * * * *"}, "backup_schedule", "give five fields"},
		{config.Config{BackupTo: "b", BackupSchedule: "@every 1s"}, "backup_schedule", "give five fields"},
		{config.Config{BackupTo: "b", BackupSchedule: "0 0 30 2 *"}, "backup_schedule", "never comes"},
		{config.Config{BackupTo: "b", BackupSchedule: "CRON_TZ=UTC"}, "backup_schedule", "give five fields"},
		{config.Config{BackupTo: "b", BackupSchedule: "CRON_TZ=Nowhere/X @daily"}, "backup_schedule", "give five fields"},
		{config.Config{BackupTo: "b", BackupKeep: "last=0"}, "backup_keep", "cannot be used"},
		{config.Config{BackupTo: "b", BackupDrillSchedule: "never"}, "backup_drill_schedule", "give five fields"},
	} {
		if _, key, err := Parse(&tt.c); err == nil || key != tt.key || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %s %v, want %s … %s", tt.c, key, err, tt.key, tt.want)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"@daily", "15 3 * * *", "CRON_TZ=UTC @daily", "TZ=", "CRON_TZ= x", "@every 1h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := schedule(text); err == nil && s != nil && s.Next(time.Now()).IsZero() {
			t.Error("a time that never comes")
		}
	})
}

// A bench is a service whose store is one file.
type bench struct {
	*Service
	t        *testing.T
	fail     error // of the next snapshots
	contents account.Contents

	mu       sync.Mutex
	events   []string // what the metrics and the audit trail got
	recorded int
}

func (b *bench) add(event string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event)
}

func (b *bench) BackupMade(time.Time)     { b.add("made") }
func (b *bench) BackupTook(time.Duration) { b.add("took") }
func (b *bench) BackupFailed()            { b.add("failed") }
func (b *bench) count(event string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e == event {
			n++
		}
	}
	return n
}

func (b *bench) BackupDrilled(_ time.Time, ok bool, _ time.Duration, verified time.Time) {
	switch {
	case !ok:
		b.add("drill failed")
	case verified.IsZero():
		b.add("drilled nothing")
	default:
		b.add("drilled")
	}
}

func newBench(t *testing.T, c config.Config) *bench {
	t.Helper()
	b := &bench{t: t, contents: account.Contents{Accounts: 1}}
	settings, _, err := Parse(&c)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = New(Options{
		Settings: settings, Dir: t.TempDir(), Store: "pebble", Logger: testutil.Logger(t), Metrics: b,
		Snapshot: func(_ context.Context, dir string) error {
			if b.fail != nil {
				return b.fail
			}
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "1.sst"), []byte(time.Now().String()), 0o600))
		},
		Inspect: func(context.Context, string) (*account.Contents, error) { c := b.contents; return &c, nil },
		Record:  func(context.Context, string) error { b.recorded++; return nil },
	})
	return b
}

// during runs the service for a time.
func (b *bench) during(d time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	if err := b.Run(ctx); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) backups() int {
	b.t.Helper()
	all, err := b.List(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return len(all)
}

// TestSchedule runs a server for some days, with a pause between them.
func TestSchedule(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config.Config{BackupTo: place, BackupSchedule: "@daily", BackupKeep: "last=3"})
		b.during(time.Hour) // the first one is made at once
		if n := b.backups(); n != 1 {
			t.Fatalf("%d backups in the first hour, want 1", n)
		}
		b.during(time.Hour) // a restart makes none
		b.during(24 * time.Hour)
		if n := b.backups(); n != 2 {
			t.Errorf("%d backups after a day, want 2", n)
		}
		time.Sleep(48 * time.Hour) // missed times are made up for once
		b.during(time.Minute)
		if n := b.backups(); n != 3 {
			t.Errorf("%d backups after the pause, want 3", n)
		}
		b.during(72 * time.Hour)
		if n := b.backups(); n != 3 || b.count("made") != 6 || b.recorded != 6 || b.count("failed") > 0 {
			t.Errorf("%d backups are kept of %d, %d recorded, %d failures", n, b.count("made"), b.recorded, b.count("failed"))
		}
	})
}

// TestRetry lets backups fail for some hours. They are tried again ever less often, and
// the next one succeeds.
func TestRetry(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config.Config{BackupTo: place, BackupSchedule: "@monthly"})
		b.fail = errors.New("no disk")
		b.during(63*time.Minute + time.Second) // at 0, 1, 3, 7, 15, 31 and 63 minutes
		if n := b.count("failed"); n != 7 {
			t.Errorf("%d attempts, want 7", n)
		}
		b.fail = nil
		b.during(time.Minute)
		if n := b.backups(); n != 1 {
			t.Errorf("%d backups, want 1", n)
		}
		if left, err := os.ReadDir(b.dir(stagingDir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v is left, %v", left, err)
		}
	})
}

// TestDrills drills a sound backup and one whose store has another content, and shows the
// result after a restart.
func TestDrills(t *testing.T) {
	b := newBench(t, config.Config{BackupTo: filepath.Join(t.TempDir(), "backups"), BackupDrillSchedule: "@monthly"})
	if _, err := b.Drill(t.Context(), 0); err == nil || b.count("drill failed") != 1 {
		t.Errorf("a drill without a backup: %v", err)
	}
	if _, err := b.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := b.Drill(t.Context(), 0); err != nil || d.Contents.Accounts != 1 || b.count("drilled") != 1 {
		t.Errorf("Drill = %+v, %v", d, err)
	}
	b.contents.Accounts = 2
	if _, err := b.Drill(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "2 accounts instead of 1") || b.count("drill failed") != 2 {
		t.Errorf("a drill of another content: %v", err)
	}
	if left, _ := filepath.Glob(b.dir(drillDir) + "*"); len(left) != 1 {
		t.Errorf("%v is left, want the state alone", left)
	}
	b.events = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil || !slices.Equal(b.events, []string{"drill failed"}) {
		t.Errorf("after a restart: %v, %v", b.events, err)
	}
	b.events, b.o.Drills = nil, nil
	if err := b.Run(ctx); err != nil || len(b.events) > 0 {
		t.Errorf("after a restart without drills: %v, %v", b.events, err)
	}
}

// TestFirstDrill starts a server with both schedules. The first drill waits for the first
// backup, and later ones for the backup of the same minute.
func TestFirstDrill(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config.Config{BackupTo: place, BackupSchedule: "@daily", BackupDrillSchedule: "@daily"})
		b.during(25 * time.Hour)
		if want := []string{"made", "took", "drilled", "made", "took", "drilled"}; !slices.Equal(b.events, want) {
			t.Errorf("%v, want %v", b.events, want)
		}
	})
}

// TestPatience lets a backup of the schedule wait for one that somebody has asked for.
func TestPatience(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config.Config{BackupTo: place, BackupSchedule: "@yearly"})
		b.working <- struct{}{}
		time.AfterFunc(30*time.Minute, b.end)
		b.during(29 * time.Minute)
		if len(b.events) > 0 {
			t.Errorf("%v while another backup is made", b.events)
		}
		b.during(2 * time.Minute)
		if b.count("made") != 1 || b.count("failed") > 0 {
			t.Errorf("%v after its end", b.events)
		}
	})
}

// TestAskedFor lets a backup fail that somebody has asked for. The log says why, once.
func TestAskedFor(t *testing.T) {
	b := newBench(t, config.Config{BackupTo: filepath.Join(t.TempDir(), "backups")})
	var log strings.Builder
	b.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b.fail = errors.New("no disk")
	if _, err := b.Create(t.Context()); err == nil || strings.Count(log.String(), "no disk") != 1 {
		t.Errorf("%v, and the log says %q", err, &log)
	}
}

// TestBusy makes a backup while another one is made.
func TestBusy(t *testing.T) {
	b := newBench(t, config.Config{BackupTo: filepath.Join(t.TempDir(), "backups")})
	snapshot := b.o.Snapshot
	b.o.Snapshot = func(ctx context.Context, dir string) error {
		if _, err := b.Create(ctx); !errors.Is(err, ErrBusy) {
			t.Errorf("Create while a backup is made: %v", err)
		}
		if _, err := b.Drill(ctx, 0); !errors.Is(err, ErrBusy) {
			t.Errorf("Drill while a backup is made: %v", err)
		}
		return snapshot(ctx, dir)
	}
	if _, err := b.Create(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHang cancels a backup while a disk hangs. The call returns, and the next one says
// that a backup is made.
func TestHang(t *testing.T) {
	b := newBench(t, config.Config{BackupTo: filepath.Join(t.TempDir(), "backups")})
	hanging, wake, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.o.Snapshot = func(context.Context, string) error {
		defer close(done)
		close(hanging)
		<-wake
		return errors.New("awake")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hanging
		cancel()
	}()
	if _, err := b.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Create: %v", err)
	}
	if _, err := b.Create(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("the next Create: %v", err)
	}
	close(wake)
	<-done
	b.working <- struct{}{} // until all of it has ended
}

// TestClockBack runs a server whose newest backup and newest drill have a time far ahead,
// because the clock was wrong once. Both go on.
func TestClockBack(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config.Config{BackupTo: place, BackupSchedule: "@daily", BackupDrillSchedule: "@daily"})
		b.o.Options.Now = func() time.Time { return time.Now().AddDate(5, 0, 0) }
		if _, err := b.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.o.Options.Now = nil
		if err := b.writeState(state{Drilled: time.Now().AddDate(5, 0, 0)}); err != nil {
			t.Fatal(err)
		}
		b.during(49 * time.Hour)
		if n := b.backups(); n != 3 || b.count("drilled") < 2 {
			t.Errorf("%d backups and %d drills after two days, want 3 and 2", n, b.count("drilled"))
		}
	})
}

// TestStartBusy starts the schedule while the admin API makes a backup. The start removes
// nothing of it. Later it removes what a process that was killed has left.
func TestStartBusy(t *testing.T) {
	b := newBench(t, config.Config{BackupTo: filepath.Join(t.TempDir(), "backups")})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	snapshot := b.o.Snapshot
	b.o.Snapshot = func(ctx context.Context, dir string) error {
		err := snapshot(ctx, dir)
		if runErr := b.Run(ended); err != nil || runErr != nil {
			t.Error(err, runErr)
		}
		return err
	}
	made, err := b.Create(t.Context())
	if err != nil || len(made.Files) != 1 {
		t.Errorf("Create = %+v, %v, want a backup of one file", made, err)
	}
	for _, name := range []string{stagingDir, drillDir, drillDir + repository.PartialSuffix} {
		if err := os.MkdirAll(filepath.Join(b.dir(name), "accounts"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Run(ended); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(b.o.Dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestScheduleHangs ends a server while its schedule waits for a disk that hangs. It does
// not wait for the disk.
func TestScheduleHangs(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	for _, hang := range []string{"backup", "drill"} {
		b := newBench(t, config.Config{BackupTo: place, BackupDrillSchedule: "@daily"})
		if _, err := b.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		if hang == "backup" {
			b = newBench(t, config.Config{BackupTo: place + "2", BackupSchedule: "@daily"})
		}
		ctx, cancel := context.WithCancel(t.Context())
		wake := make(chan struct{})
		b.o.Inspect = func(context.Context, string) (*account.Contents, error) {
			cancel()
			<-wake
			return nil, errors.New("awake")
		}
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: the schedule waits for the disk", hang)
		}
		close(wake)
		b.working <- struct{}{} // until all of it has ended
	}
}

// TestDamage damages a stored table. The drill fails, and the next backup does not share the
// table, so the drill after it succeeds.
func TestDamage(t *testing.T) {
	place := filepath.Join(t.TempDir(), "backups")
	b := newBench(t, config.Config{BackupTo: place, BackupDrillSchedule: "@monthly"})
	b.o.Snapshot = func(_ context.Context, dir string) error {
		return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "1.sst"), []byte("the same"), 0o600))
	}
	if _, err := b.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	objects, err := filepath.Glob(filepath.Join(place, "objects", "*", "*"))
	if err != nil || len(objects) != 1 {
		t.Fatalf("objects %q, %v", objects, err)
	}
	if err := os.WriteFile(objects[0], []byte("the sane"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Drill(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "another content") {
		t.Errorf("the drill of a damaged backup: %v", err)
	}
	made, err := b.Create(t.Context())
	if err != nil || made.NewBytes != 8 {
		t.Errorf("Create = %+v, %v, want the table to be stored again", made, err)
	}
	if _, err := b.Drill(t.Context(), 0); err != nil {
		t.Errorf("the drill after it: %v", err)
	}
	if again, err := b.Create(t.Context()); err != nil || again.NewBytes != 0 {
		t.Errorf("Create = %+v, %v, want the table to be shared again", again, err)
	}
}
