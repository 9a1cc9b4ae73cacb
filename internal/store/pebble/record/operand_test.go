package record

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
		return edit{func(a *account.Account) { u.Apply(a, at) }, appendImport(nil, at.UnixMilli(), appendTexts(nil, &u))}
	}
	p := account.Patch{Kicked: rapid.Int64Range(account.Unkicked, 3).Draw(t, "kicked"), Fields: []account.Field{
		text(rapid.SampledFrom([]account.Tag{account.TagNick, account.TagGender, account.TagSelfSignature}).Draw(t, "tag"), word.Draw(t, "text")),
	}}
	return edit{func(a *account.Account) { p.Apply(a, at) }, AppendPatch(nil, p, at)}
}

// TestMerge applies edits one by one, and as operands that are merged in parts
// and in both directions of time.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := codecTests[rapid.IntRange(0, len(codecTests)-1).Draw(t, "account")]
		base := AppendAccount(nil, &want)
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
			mergeUp(t, append([][]byte{base}, mergeUp(t, append(mergeUp(t, values[1:cut]), newer...))...)),
		} {
			a, err := DecodeAccount(want.ID, got[0])
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
		joined, err := AppendOperand(bytes.Clone(first.operand), second.operand)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := CountOperands(joined); err != nil || n != 1 || joined[0] != replaceOp {
			return
		}
		replaced++
		want := account.Account{ID: "x", InternalID: 1, Nick: "b", Created: codecTests[1].Created, Updated: codecTests[1].Updated}
		base := AppendAccount(nil, &want)
		first.apply(&want)
		second.apply(&want)
		for _, operands := range [][]byte{joined, slices.Concat(first.operand, joined), slices.Concat(joined, joined)} {
			value, err := Apply(nil, base, operands)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecodeAccount("x", value); err != nil || !cmp.Equal(want, got, cmpopts.EquateEmpty()) {
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
	m, err := Merger.Merge(nil, values[0])
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
	m, err := Merger.Merge(nil, values[len(values)-1])
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

// FuzzOperands reads anything as operands. What can be applied can be counted
// and joined without another outcome for the account.
func FuzzOperands(f *testing.F) {
	base := AppendAccount(nil, &codecTests[1])
	now := codecTests[1].Created
	patch := AppendPatch(nil, account.Patch{Kicked: 3, Fields: codecTests[1].Profile}, now)
	one := appendImport(nil, now.UnixMilli(), appendTexts(nil, &account.Upsert{Nick: "a"}))
	two := appendImport(nil, now.UnixMilli()+1, appendTexts(nil, &account.Upsert{Nick: "b", FaceURL: "c"}))
	f.Add(patch)
	f.Add(slices.Concat(one, two, patch))
	f.Fuzz(func(t *testing.T, operands []byte) {
		_, _ = OperandsKicked(0, operands)
		if _, err := Apply(nil, base, operands); err != nil {
			return
		}
		if _, err := CountOperands(operands); err != nil {
			t.Errorf("%x is applied but cannot be counted: %v", operands, err)
		}
		joined, err := appendOperands(nil, operands)
		if err != nil {
			t.Fatalf("%x is applied but cannot be joined: %v", operands, err)
		}
		if _, err := Apply(nil, base, joined); err != nil {
			t.Errorf("%x cannot be applied when it is joined: %v", operands, err)
		}
	})
}
