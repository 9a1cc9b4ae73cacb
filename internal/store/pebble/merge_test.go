package pebble

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// An edit is a change of an account, in both forms.
type edit struct {
	apply   func(*account.Account)
	operand []byte
}

func drawEdit(t *rapid.T) edit {
	at := time.UnixMilli(rapid.Int64Range(1, 50).Draw(t, "time"))
	word := rapid.SampledFrom([]string{"", "a", "b"})
	if rapid.Bool().Draw(t, "import") {
		u := account.Upsert{ID: "x", Nick: word.Draw(t, "nick"), FaceURL: word.Draw(t, "face")}
		up := newUpsert(newTable(), app, []account.Upsert{u}, account.UpsertPolicy{Now: at})
		return edit{func(a *account.Account) { u.Apply(a, at) }, appendImport(nil, up.now, up.texts(0))}
	}
	p := account.Patch{Kicked: rapid.Int64Range(0, 3).Draw(t, "kicked"), Fields: []account.Field{
		text(rapid.SampledFrom([]account.Tag{account.TagNick, account.TagGender, account.TagSelfSignature}).Draw(t, "tag"), word.Draw(t, "text")),
	}}
	return edit{func(a *account.Account) { p.Apply(a, at) }, appendPatch(nil, p, at)}
}

// TestMerge applies edits one by one, and as operands that are merged in parts
// and in both directions of time.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := codecTests[rapid.IntRange(0, len(codecTests)-1).Draw(t, "account")]
		base := appendAccount(nil, &want)
		edits := rapid.SliceOfN(rapid.Custom(drawEdit), 1, 6).Draw(t, "edits")
		values := [][]byte{base}
		for _, e := range edits {
			e.apply(&want)
			values = append(values, e.operand)
		}
		cut := rapid.IntRange(1, len(values)).Draw(t, "cut")
		newer := mergeUp(t, values[cut:])
		for _, got := range [][][]byte{
			mergeUp(t, append(values[:cut:cut], newer...)),
			mergeDown(t, append(values[:cut:cut], newer...)),
			mergeUp(t, append(mergeUp(t, values[:cut]), newer...)),
		} {
			a, err := decodeAccount(want.ID, got[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, a, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}

// TestReplace imports twice. Where one operand is left of both, it makes the same
// of an account whether the first import was applied or not.
func TestReplace(t *testing.T) {
	replaced := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(drawEdit).Filter(func(e edit) bool { return e.operand[0] == importOp })
		first, second := draw.Draw(t, "first"), draw.Draw(t, "second")
		joined, err := appendOperand(bytes.Clone(first.operand), second.operand)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := countOperands(joined); err != nil || n != 1 || joined[0] != replaceOp {
			return
		}
		replaced++
		want := account.Account{ID: "x", InternalID: 1, Nick: "b", Created: now, Updated: now}
		base := appendAccount(nil, &want)
		first.apply(&want)
		second.apply(&want)
		for _, operands := range [][]byte{joined, slices.Concat(first.operand, joined), slices.Concat(joined, joined)} {
			value, err := apply(nil, base, operands)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decodeAccount("x", value); err != nil || !cmp.Equal(want, got, cmpopts.EquateEmpty()) {
				t.Fatalf("got %+v, %v; want %+v", got, err, want)
			}
		}
	})
	if replaced == 0 {
		t.Error("no import replaced another")
	}
}

// mergeUp merges values, oldest first, into one or none.
func mergeUp(t *rapid.T, values [][]byte) [][]byte {
	if len(values) == 0 {
		return nil
	}
	m, err := merger.Merge(nil, values[0])
	for _, v := range values[1:] {
		if err == nil {
			err = m.MergeNewer(v)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := m.Finish(true)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{out}
}

// mergeDown merges values from the newest to the oldest.
func mergeDown(t *rapid.T, values [][]byte) [][]byte {
	m, err := merger.Merge(nil, values[len(values)-1])
	for i := len(values) - 2; i >= 0 && err == nil; i-- {
		err = m.MergeOlder(values[i])
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := m.Finish(true)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{out}
}

// FuzzJournal reads anything as a commit of the journal, and as operands.
func FuzzJournal(f *testing.F) {
	a := appendAccount(nil, &codecTests[1])
	b, _ := appendChange(nil, change{setKind, true, appendName(nil, app, "a"), a})
	patch := appendPatch(nil, account.Patch{Kicked: 3, Fields: codecTests[1].Profile}, now)
	b, _ = appendChange(b, change{mergeKind, false, appendName(nil, app, "a"), patch})
	b, _ = appendChange(b, change{kind: purgeKind, name: []byte{1, 2, 3, 4}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		read := 0
		err := commit{base: 1, data: data}.each(func(pos uint64, c change) error {
			again, _ := appendChange(nil, c)
			got, n, err := nextChange(again)
			if diff := cmp.Diff(c, got, cmp.AllowUnexported(change{})); err != nil || n != len(again) || diff != "" {
				t.Errorf("%x changes when it is written again: %v\n%s", again, err, diff)
			}
			read = int(pos-1) + n
			_, _ = operandsKicked(c.value)
			_, _ = apply(nil, a, c.value)
			_, _ = appendOperands(nil, c.value)
			_, _ = countOperands(c.value)
			return nil
		})
		if err == nil && len(data) > 0 && read == 0 {
			t.Error("nothing was read of something")
		}
	})
}
