package directory_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
)

const forEver = directory.MutedForEver

func (b *bench) mutes(id account.UserID, c2c, group *uint32) {
	b.Helper()
	if err := b.dir.SetMute(b.Context(), b.app, id, c2c, group); err != nil {
		b.Fatalf("SetMute(%s): %v", id, err)
	}
}

func (b *bench) muted(id account.UserID, c2c, group uint32) {
	b.Helper()
	got, err := b.dir.Mute(b.Context(), b.app, id)
	if want := (directory.Mute{C2C: c2c, Group: group}); err != nil || got != want {
		b.Errorf("Mute(%s) = %+v, %v; want %+v", id, got, err, want)
	}
}

// storedMutes returns the number of mutes in the store.
func (b *bench) storedMutes() (n int) {
	b.Helper()
	list, _, err := b.registry.Mutes(b.Context(), 0, "", account.MaxListLimit)
	if err != nil {
		b.Fatal(err)
	}
	for _, mutes := range list {
		n += len(mutes)
	}
	return n
}

// TestMute mutes an account and lets the clock of its app run, also back.
func TestMute(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.imports(account.Upsert{ID: "a"}, account.Upsert{ID: "b"})
	b.muted("a", 0, 0)
	b.mutes("a", new(forEver), new(uint32(7200)))
	b.muted("a", forEver, 7200)
	b.muted("b", 0, 0)
	b.changeClock(directory.ClockChange{Advance: 4 * time.Second})
	b.muted("a", forEver, 7196)
	b.mutes("a", nil, new(forEver-1)) // keeps the other time
	b.muted("a", forEver, forEver-1)
	b.changeClock(directory.ClockChange{Advance: -time.Hour})
	b.muted("a", forEver, forEver-1) // more than that would mean for ever
	b.mutes("a", new(uint32(0)), new(uint32(60)))
	b.muted("a", 0, 60)
	b.changeClock(directory.ClockChange{Advance: time.Minute - time.Second})
	b.muted("a", 0, 1)
	b.changeClock(directory.ClockChange{Advance: time.Second})
	b.muted("a", 0, 0)
	b.mutes("a", new(uint32(0)), nil)
	if n := b.storedMutes(); n != 0 {
		t.Errorf("%d mutes are stored after the last one was lifted", n)
	}
	for _, id := range []account.UserID{"nobody", "", "@x"} {
		if err := b.dir.SetMute(t.Context(), b.app, id, new(forEver), nil); account.CodeOf(err) != account.NoAccount {
			t.Errorf("SetMute(%q): %v, want Code no account", id, err)
		}
		if _, err := b.dir.Mute(t.Context(), b.app, id); account.CodeOf(err) != account.NoAccount {
			t.Errorf("Mute(%q): %v, want Code no account", id, err)
		}
	}
}

// TestMuteIn2106 mutes an account until the second whose number means for ever.
func TestMuteIn2106(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.imports(account.Upsert{ID: "a"})
	b.changeClock(directory.ClockChange{Set: time.Unix(records.MutedForEver-10, 0), Frozen: new(true)})
	b.mutes("a", new(uint32(10)), new(uint32(9)))
	b.muted("a", 11, 9)
	b.changeClock(directory.ClockChange{Advance: 11 * time.Second})
	b.muted("a", 0, 0)
}

// TestMuteEndsWithAccount deletes a muted account and imports it again.
func TestMuteEndsWithAccount(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.imports(account.Upsert{ID: "a"}, account.Upsert{ID: "b"})
	b.mutes("a", new(forEver), new(forEver))
	b.deletes("a")
	b.changeClock(directory.ClockChange{Advance: 91 * 24 * time.Hour})
	b.imports(account.Upsert{ID: "a"})
	b.muted("a", 0, 0)
	b.mutes("a", new(uint32(5)), nil) // does not bring back the other time
	b.muted("a", 5, 0)
}

// TestSweepMutes removes the mutes that have no effect any more.
func TestSweepMutes(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.imports(account.Upsert{ID: "ended"}, account.Upsert{ID: "half"}, account.Upsert{ID: "deleted"}, account.Upsert{ID: "again"}, account.Upsert{ID: "muted"})
	b.mutes("ended", new(uint32(60)), new(uint32(59)))
	b.mutes("half", new(uint32(60)), new(uint32(61)))
	for _, id := range []account.UserID{"deleted", "again", "muted"} {
		b.mutes(id, new(forEver), nil)
	}
	b.deletes("deleted", "again")
	if _, err := b.dir.ImportDeleted(t.Context(), b.app, []account.Upsert{{ID: "again"}}); err != nil {
		t.Fatal(err)
	}
	b.changeClock(directory.ClockChange{Advance: time.Minute})
	if err := b.dir.SweepMutes(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.muted("half", 0, 1)
	b.muted("muted", forEver, 0)
	if n := b.storedMutes(); n != 2 {
		t.Errorf("%d mutes are left, want 2", n)
	}
}

// TestMutesOfDeletedApp deletes an app with mutes.
func TestMutesOfDeletedApp(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.mutes(account.Administrator, new(forEver), nil)
	if err := b.dir.DeleteApp(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	if n := b.storedMutes(); n != 0 {
		t.Errorf("%d mutes of a deleted app are left", n)
	}
}

// TestMutesOfSnapshots resets a test app and restores snapshots of it.
func TestMutesOfSnapshots(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.imports(account.Upsert{ID: "a"}, account.Upsert{ID: "b"}, account.Upsert{ID: "c"})
	b.mutes("a", new(forEver), nil)
	b.mutes("b", nil, new(uint32(60)))
	before := b.snapshot("s")
	b.mutes("a", new(uint32(0)), nil)
	b.mutes("b", nil, new(uint32(600)))
	b.mutes("c", new(forEver), nil)
	b.restore("s")
	b.muted("a", forEver, 0)
	b.muted("b", 0, 60)
	b.muted("c", 0, 0)

	if _, err := b.dir.Reset(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	if n := b.storedMutes(); n != 0 {
		t.Errorf("%d mutes are left after a reset", n)
	}
	b.restore("s")
	b.muted("a", forEver, 0)

	for i := range directory.MaxSnapshotMutes {
		id := account.UserID(fmt.Sprintf("user%d", i))
		b.imports(account.Upsert{ID: id})
		b.mutes(id, new(forEver), nil)
	}
	_, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "large")
	if e, ok := errors.AsType[*account.Error](err); !ok || e.Code != account.Conflict || e.Detail == "" {
		t.Errorf("TakeSnapshot of too many mutes: %v, want Code conflict", err)
	}
	b.restore("s")
	b.muted("a", forEver, 0)
	if n := b.storedMutes(); n != 2 {
		t.Errorf("%d mutes are stored after the restoration, want 2", n)
	}
	if less := b.snapshot("t"); less.Bytes != before.Bytes {
		t.Errorf("a snapshot takes %d bytes, want %d as before", less.Bytes, before.Bytes)
	}
}

func (b *bench) snapshot(name string) directory.Snapshot {
	b.Helper()
	s, err := b.dir.TakeSnapshot(b.Context(), "test", appID, name)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) restore(name string) {
	b.Helper()
	if _, err := b.dir.RestoreSnapshot(b.Context(), "test", appID, name); err != nil {
		b.Fatal(err)
	}
}
