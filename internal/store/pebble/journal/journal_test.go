package journal

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

const app account.AppID = 1400000001

// FuzzJournal reads arbitrary bytes as a commit of the journal. Each change must be the
// same after it is written and read again.
func FuzzJournal(f *testing.F) {
	now := time.UnixMilli(1_770_000_000_000).UTC()
	x := account.Account{ID: "a", InternalID: 1, Nick: "x", Created: now, Updated: now}
	a := record.AppendAccount(nil, &x)
	b, _ := Append(nil, &Change{Kind: Set, Again: true, Name: record.AppendName(nil, app, "a"), Value: a})
	patch := record.AppendPatch(nil, account.Patch{Kicked: 3, Fields: []account.Field{{Tag: account.TagNick, Value: account.Value{Text: "y"}}}}, now)
	b, _ = Append(b, &Change{Kind: Merge, Name: record.AppendName(nil, app, "a"), Value: patch})
	b, _ = Append(b, &Change{Kind: Purge, Name: []byte{1, 2, 3, 4}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		read := 0
		err := Commit{Base: 1, Data: data}.Each(func(pos uint64, c Change) error {
			again, _ := Append(nil, &c)
			got, n, err := Next(again)
			if diff := godiff.Diff(c, got); err != nil || n != len(again) || diff != "" {
				t.Errorf("%x changes when it is written again: %v\n%s", again, err, diff)
			}
			read = int(pos-1) + n
			_, _ = c.Account(func() ([]byte, error) { return a, nil })
			return nil
		})
		if err == nil && len(data) > 0 && read == 0 {
			t.Error("no error and no change")
		}
	})
}

// TestNewest finds the newest change of each name in several commits. The names have common
// prefixes of various lengths and must be in order.
func TestNewest(t *testing.T) {
	ids := []account.UserID{"", "a", "a-long-name-1", "a-long-name-2", "a-long-name", "b", "a\x00", "a-long-name-12"}
	var cs []Commit
	want := map[string]string{}
	pos := uint64(1)
	for i := range 5 {
		c := Commit{Seq: uint64(i) + 1, Base: pos}
		for k, id := range ids {
			name := record.AppendName(nil, app+account.AppID(k%2), id)
			for range (i + k) % 3 {
				value := fmt.Sprint(len(c.Data), " of ", i)
				c.Data, _ = Append(c.Data, &Change{Kind: Set, Name: name, Value: []byte(value)})
				c.Changes++
				want[string(name)] = value
			}
		}
		cs, pos = append(cs, c), c.End()
	}
	items, purged, err := Newest(cs)
	if err != nil || purged {
		t.Fatalf("Newest: %v, %v", purged, err)
	}
	got := map[string]string{}
	var names []string
	err = EachChange(cs, items, func(c Change) error {
		names = append(names, string(c.Name))
		got[string(c.Name)] = string(c.Value)
		return nil
	})
	if diff := godiff.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if !slices.IsSorted(names) || len(names) != len(want) {
		t.Errorf("%d names %q, want %d in order", len(names), names, len(want))
	}
}

// TestSort compares Newest with a plain sort. The names differ in few or many bits, at
// their beginnings or ends, or are the same.
func TestSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(rapid.SampledFrom([]string{`[ab]{0,3}`, `same[0-9a-f]{16}`, `[0-9]{9}`, `\PC{0,12}`}).Draw(t, "form"))
		type change struct {
			name string
			seq  int
		}
		var want []change
		var cs []Commit
		pos := uint64(1)
		for range rapid.IntRange(1, 3).Draw(t, "commits") {
			c := Commit{Base: pos}
			for range rapid.IntRange(0, 200).Draw(t, "changes") {
				name := record.AppendName(nil, app+account.AppID(rapid.IntRange(0, 1).Draw(t, "app")), account.UserID(id.Draw(t, "id")))
				c.Data, _ = Append(c.Data, &Change{Kind: Set, Name: name, Value: fmt.Append(nil, len(want))})
				want = append(want, change{string(name), len(want)})
			}
			cs, pos = append(cs, c), c.End()
		}
		slices.SortFunc(want, func(a, b change) int { return cmp.Or(cmp.Compare(a.name, b.name), b.seq-a.seq) })
		want = slices.CompactFunc(want, func(a, b change) bool { return a.name == b.name })
		items, _, err := Newest(cs)
		if err != nil || len(items) != len(want) {
			t.Fatalf("%d changes, %v; want %d", len(items), err, len(want))
		}
		for i, it := range items {
			if c := it.In(cs); string(c.Name) != want[i].name || string(c.Value) != fmt.Sprint(want[i].seq) {
				t.Fatalf("at %d: change %s of %q, want %+v", i, c.Value, c.Name, want[i])
			}
		}
	})
}

// TestAt finds each change by its position, and none at positions outside of the commits.
func TestAt(t *testing.T) {
	var cs []Commit
	pos := uint64(7)
	for i := range 3 {
		c := Commit{Base: pos}
		for _, id := range []account.UserID{"a", "bb"} {
			c.Data, _ = Append(c.Data, &Change{Kind: Delete, Name: record.AppendName(nil, app, id), Value: []byte{byte(i)}})
		}
		cs, pos = append(cs, c), c.End()
	}
	for _, c := range cs {
		err := c.Each(func(pos uint64, want Change) error {
			got, err := At(cs, pos)
			if diff := godiff.Diff(want, got); diff != "" {
				t.Errorf("at %d (-want +got):\n%s", pos, diff)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, pos := range []uint64{6, pos} {
		if c, err := At(cs, pos); err == nil {
			t.Errorf("at %d: %+v, want none", pos, c)
		}
	}
}
