package records_test

import (
	"fmt"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

func (v *env) mutes(id account.AppID, user account.UserID, to records.Mute) {
	v.Helper()
	err := v.r.ChangeMute(v.Context(), id, user, func(records.Mute) records.Mute { return to })
	if err != nil {
		v.Fatalf("ChangeMute: %v", err)
	}
}

func (v *env) muted(id account.AppID, user account.UserID, want records.Mute) {
	v.Helper()
	got, err := v.r.Mute(v.Context(), id, user)
	if err != nil || got != want {
		v.Errorf("Mute of %s in %d = %+v, %v; want %+v", user, id, got, err, want)
	}
}

func TestMutes(t *testing.T) {
	each(t, func(v *env) {
		a, b := records.Mute{InternalID: 7, C2C: 100}, records.Mute{InternalID: 8, Group: records.MutedForEver}
		v.mutes(app, "a", records.Mute{InternalID: 7}) // lifts nothing
		v.muted(app, "a", records.Mute{})
		v.mutes(app, "a", a)
		v.mutes(app, "b/c", b)
		v.mutes(otherApp, "a", b)
		v.muted(app, "a", a)
		v.muted(app, "b/c", b)
		v.muted(app, "b", records.Mute{})
		a.Group = 5
		v.mutes(app, "a", a)
		v.muted(app, "a", a)

		list, next, err := v.r.Mutes(v.Context(), 0, "", 2)
		if err != nil || len(list[app]) != 2 || len(list[otherApp]) != 0 || list[app][1].UserID != "b/c" || list[app][1].Mute != b {
			t.Fatalf("first page: %+v, %v", list, err)
		}
		rest, last, err := v.r.Mutes(v.Context(), 0, next, 2)
		if err != nil || len(rest) != 1 || len(rest[otherApp]) != 1 || last != "" {
			t.Fatalf("second page: %+v, %q, %v", rest, last, err)
		}

		v.mutes(app, "a", b) // after it was read
		if err := v.r.RemoveMutes(v.Context(), app, list[app]); err != nil {
			t.Fatal(err)
		}
		v.muted(app, "a", b)
		v.muted(app, "b/c", records.Mute{})
		v.mutes(app, "a", records.Mute{InternalID: 8})
		v.muted(app, "a", records.Mute{})
		v.muted(otherApp, "a", b)
	})
}

// TestReplaceMutes saves the mutes of an app, changes them, and puts the saved ones back.
func TestReplaceMutes(t *testing.T) {
	each(t, func(v *env) {
		kept, changed, added := records.Mute{InternalID: 1, C2C: 1}, records.Mute{InternalID: 2, C2C: 2}, records.Mute{InternalID: 3, C2C: 3}
		v.mutes(app, "kept", kept)
		v.mutes(app, "lifted", added)
		v.mutes(app, "changed", changed)
		v.mutes(otherApp, "other", added)
		saved, err := v.r.SavedMutes(v.Context(), app)
		if err != nil || len(saved) != 3 {
			t.Fatalf("SavedMutes = %+v, %v", saved, err)
		}
		v.mutes(app, "lifted", records.Mute{})
		v.mutes(app, "changed", kept)
		for i := range records.MaxSavedMutes {
			v.mutes(app, account.UserID(fmt.Sprintf("new%d", i)), added)
		}
		_, err = v.r.SavedMutes(v.Context(), app)
		v.code("SavedMutes of too many", err, account.Conflict)
		ws, err := v.r.ReplaceMutes(v.Context(), app, saved)
		if err != nil || len(ws) > 2*records.MaxSavedMutes {
			t.Fatalf("%d writes, %v", len(ws), err)
		}
		if _, err := v.e.Commit(t.Context(), account.Commit{Writes: ws}); err != nil {
			t.Fatal(err)
		}
		list, _, err := v.r.Mutes(v.Context(), 0, "", account.MaxListLimit)
		if err != nil || len(list[app]) != 3 || len(list[otherApp]) != 1 {
			t.Errorf("after ReplaceMutes: %+v, %v", list, err)
		}
		v.muted(app, "kept", kept)
		v.muted(app, "lifted", added)
		v.muted(app, "changed", changed)
	})
}

// TestMutesAfterRestart reads a mute with a new handle of the same files.
func TestMutesAfterRestart(t *testing.T) {
	dir, want := t.TempDir(), records.Mute{InternalID: 7, C2C: 100, Group: records.MutedForEver}
	v := newEnv(t, engines["pebble"](t, dir))
	v.mutes(app, "a", want)
	if err := v.e.Close(); err != nil {
		t.Fatal(err)
	}
	v = newEnv(t, engines["pebble"](t, dir))
	v.muted(app, "a", want)
	if err := v.e.Close(); err != nil {
		t.Fatal(err)
	}
}
