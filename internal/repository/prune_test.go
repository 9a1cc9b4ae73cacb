package repository

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseKeep(t *testing.T) {
	for text, want := range map[string]Keep{
		"last=3":                            {Last: 3},
		"last=3,daily=7,weekly=4,monthly=1": {3, 7, 4, 1},
		"monthly=10000,last=1":              {Last: 1, Monthly: 10000},
	} {
		k, err := ParseKeep(text)
		if err != nil || k != want {
			t.Errorf("%s: %+v, %v", text, k, err)
		}
		if again, err := ParseKeep(k.String()); err != nil || again != k {
			t.Errorf("%s: String = %s, %v", text, k, err)
		}
	}
	for text, want := range map[string]string{
		"":                "is no rule",
		"3":               "is no rule",
		"yearly=1":        "is no rule",
		"last=0":          "give a number from 1",
		"last=-1":         "give a number from 1",
		"last=many":       "give a number from 1",
		"last=10001":      "give a number from 1",
		"last=1,last=2":   "is there twice",
		"last=1, daily=2": "is no rule",
	} {
		if _, err := ParseKeep(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestKeeps gives a backup of every six hours of two months.
func TestKeeps(t *testing.T) {
	newest := time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)
	var times []time.Time
	for i := range 4 * 60 {
		times = append(times, newest.Add(-time.Duration(i)*6*time.Hour))
	}
	var got []string
	for i, kept := range (Keep{Last: 2, Daily: 3, Weekly: 2, Monthly: 2}).keeps(times) {
		if kept {
			got = append(got, times[i].Format("0102T15"))
		}
	}
	want := []string{"1130T18", "1130T12", "1129T18", "1128T18", "1031T18"} // the 30th is a Monday, so the 29th ends the week before
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// TestPrune prunes three backups. What is left is sound, and what only the removed one
// needed is gone.
func TestPrune(t *testing.T) { testPrune(t, newKit(t)) }

func testPrune(t *testing.T, k *kit) {
	k.write("1.sst", "one", "2.sst", "two")
	first := k.create()
	k.write("2.sst", "2nd")
	second := k.create()
	k.write("3.sst", "three")
	third := k.create()
	want := &Pruned{Kept: []string{second.ID, third.ID}, Removed: []string{first.ID}, Objects: 1, Bytes: 3}
	for _, dry := range []bool{true, false} {
		got, err := k.Prune(t.Context(), Keep{Last: 2}, dry)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dry %v (-want +got):\n%s", dry, diff)
		}
		if n := k.sound().Backups; dry && n != 3 || !dry && n != 2 {
			t.Errorf("dry %v: %d backups are left", dry, n)
		}
	}
	if r := k.sound(); r.UnusedObjects != 0 || r.Objects != 3 {
		t.Errorf("after the prune: %+v", r)
	}
	if diff := cmp.Diff(map[string]string{"1.sst": "one", "2.sst": "2nd"}, k.restored(second.ID)); diff != "" {
		t.Errorf("the second backup (-want +got):\n%s", diff)
	}
	if got, err := k.Prune(t.Context(), Keep{Monthly: 1}, false); err != nil || len(got.Kept) != 1 || got.Kept[0] != third.ID {
		t.Errorf("Prune = %+v, %v", got, err)
	}
	if _, err := k.Prune(t.Context(), Keep{}, false); err == nil || !strings.Contains(err.Error(), "no rule") {
		t.Errorf("Prune without rules: %v", err)
	}
	k.sound()
}

// TestPruneDamaged prunes a repository with a description that cannot be read.
func TestPruneDamaged(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	first := k.create()
	k.write("1.sst", "other")
	k.create()
	file := filepath.Join(k.place, filepath.FromSlash(nameOf(first.ID)))
	if err := os.Truncate(file, 10); err != nil {
		t.Fatal(err)
	}
	before := tree(t, k.place)
	if _, err := k.Prune(t.Context(), Keep{Last: 1}, false); err == nil || !strings.Contains(err.Error(), "nothing is removed") {
		t.Errorf("Prune: %v", err)
	}
	if diff := cmp.Diff(before, tree(t, k.place)); diff != "" {
		t.Errorf("Prune changed something (-before +after):\n%s", diff)
	}
	k.create() // a damaged description does not keep a store from its backup
}

// TestModel makes and prunes backups of random files, loses and damages objects, and
// compares what is restored with what was stored.
func TestModel(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // many steps of a check write files
		if err := f.Value.Set("20"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		k := &kit{t: t, clock: newClock(), store: t.TempDir()}
		k.Repository = &Repository{place: "memory", backend: &memory{files: map[string][]byte{}}, o: Options{Now: k.clock.now}}
		stored := map[string]map[string]string{}
		name := rapid.SampledFrom([]string{"1.sst", "2.sst", "d/3.sst", "MANIFEST"})
		k.write("0.sst", "")
		stored[k.create().ID] = map[string]string{"0.sst": ""}
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) { k.write(name.Draw(rt, "name"), rapid.StringN(0, 3, -1).Draw(rt, "content")) },
			"create": func(*rapid.T) {
				b := k.create()
				stored[b.ID] = tree(t, filepath.Join(k.store, "accounts"))
			},
			"leave": func(rt *rapid.T) { // an object of a backup that was never complete
				text := fmt.Sprint("left", rapid.IntRange(0, 3).Draw(rt, "object"))
				if err := k.backend.put(t.Context(), objectName(sumOf([]byte(text))), bytesContent([]byte(text[:2]))); err != nil && !errors.Is(err, os.ErrNotExist) {
					rt.Fatal(err)
				}
			},
			"prune": func(rt *rapid.T) {
				keep := Keep{Last: rapid.IntRange(1, 3).Draw(rt, "last"), Daily: rapid.IntRange(0, 2).Draw(rt, "daily")}
				p, err := k.Prune(t.Context(), keep, false)
				if err != nil {
					rt.Fatal(err)
				}
				for _, id := range p.Removed {
					delete(stored, id)
				}
				if r := k.sound(); r.UnusedObjects > 0 {
					rt.Errorf("%d objects are left", r.UnusedObjects)
				}
			},
			"": func(rt *rapid.T) {
				all, err := k.List(t.Context())
				if err != nil {
					rt.Fatal(err)
				}
				ids := []string{}
				for _, b := range all {
					ids = append(ids, b.ID)
				}
				for id, want := range stored {
					if !slices.Contains(ids, id) {
						rt.Errorf("the backup %s is gone", id)
					}
					if diff := cmp.Diff(want, k.content(id)); diff != "" {
						rt.Errorf("the backup %s (-want +got):\n%s", id, diff)
					}
				}
				if len(ids) != len(stored) {
					rt.Errorf("%d backups, want %d", len(ids), len(stored))
				}
			},
		})
	})
}

// TestPruneAhead prunes a repository with a backup whose time is far ahead, because the
// clock was wrong once. The backups that are made since then count as if it were not there.
func TestPruneAhead(t *testing.T) {
	k := newKit(t)
	k.write("1.sst", "one")
	right := k.clock.at
	k.clock.at = right.AddDate(5, 0, 0)
	ahead := k.create()
	k.clock.at = right
	first, second, third := k.create(), k.create(), k.create()
	got, err := k.Prune(t.Context(), Keep{Last: 2}, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{second.ID, third.ID, ahead.ID}; !slices.Equal(got.Kept, want) || !slices.Equal(got.Removed, []string{first.ID}) {
		t.Errorf("kept %v, want %v", got.Kept, want)
	}
	k.clock.at = right.AddDate(6, 0, 0)
	if got, err := k.Prune(t.Context(), Keep{Last: 1}, false); err != nil || !slices.Equal(got.Kept, []string{ahead.ID}) {
		t.Errorf("when its time has come: %+v, %v", got, err)
	}
}
