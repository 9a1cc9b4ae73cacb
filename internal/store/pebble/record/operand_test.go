package record

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/account"
)

// An edit is a change of an account, as a function and as an operand.
type edit struct {
	apply   func(*account.Account)
	operand []byte
}

func drawEdit(t *rapid.T) edit { return drawEditAt(t, rapid.Int64Range(1, 50).Draw(t, "time")) }

// drawEditAt draws an edit at a time in unix milliseconds.
func drawEditAt(t *rapid.T, millis int64) edit {
	at := time.UnixMilli(millis)
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

// TestMerge applies edits one by one, and as operands that are merged in parts, from older
// to newer and from newer to older ones. The results must be the same.
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

// TestApplyTwice joins edits and applies the result once, twice, and after a shorter list
// of the same edits. The account must be the same each time.
func TestApplyTwice(t *testing.T) {
	same := 0
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]int64{0, 0, 1, 2, 3, 4, 5, 7, 9, 10, 20, 30, 40, 50, -9})
		steps := rapid.SliceOfN(step, rapid.SampledFrom([]int{1, 2, 2 * MaxOperands}).Draw(t, "least"), -1).Draw(t, "steps")
		edits := make([]edit, len(steps))
		for i, at := 0, int64(50); i < len(steps); i++ {
			at += steps[i]
			edits[i] = drawEditAt(t, at)
		}
		want := codecTests[rapid.IntRange(0, len(codecTests)-1).Draw(t, "account")]
		base := AppendAccount(nil, &want)
		edits[0].apply(&want)
		lists := [][]byte{edits[0].operand}
		for _, e := range edits[1:] {
			before := lists[len(lists)-1]
			joined, ok, err := Join(nil, before, e.operand)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if bytes.Equal(joined, before) {
				same++
			}
			e.apply(&want)
			lists = append(lists, joined)
		}
		all := lists[len(lists)-1]
		for _, before := range append(lists, nil, slices.Concat(all, lists[0], all)) {
			value, err := Apply(nil, base, slices.Concat(before, all))
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeAccount(want.ID, value)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatalf("after %x: %v (-want +got):\n%s", before, err, diff)
			}
		}
	})
	if same == 0 {
		t.Error("no import was the same as the one before it")
	}
}

// TestJoinBounds checks that Join refuses more than MaxOperands operands, and an operand
// that is older than the last one. Such a list would not be idempotent.
func TestJoinBounds(t *testing.T) {
	imported := func(millis int64, nick string) []byte {
		return appendImport(nil, millis, appendTexts(nil, &account.Upsert{Nick: nick}))
	}
	list := imported(5, "a")
	if _, ok, err := Join(nil, list, imported(4, "b")); ok || err != nil {
		t.Errorf("an older operand was joined: %v, %v", ok, err)
	}
	for n := 1; ; n++ {
		joined, ok, err := Join(nil, list, imported(5, strings.Repeat("b", n)))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			if n != MaxOperands {
				t.Errorf("%d operands were joined, want %d", n, MaxOperands)
			}
			return
		}
		list = joined
	}
}

// TestReplaceOp applies an operand of old data, which always sets the time of the change.
func TestReplaceOp(t *testing.T) {
	want := codecTests[1]
	operand := appendImport(nil, want.Updated.UnixMilli()+1, appendTexts(nil, &account.Upsert{Nick: want.Nick}))
	operand[0] = replaceOp
	value, err := Apply(nil, AppendAccount(nil, &want), operand)
	if err != nil {
		t.Fatal(err)
	}
	want.Updated = want.Updated.Add(time.Millisecond)
	checkDecode(t, want, value)
}

// mergeUp merges values from the oldest to the newest. It returns one value, or none if
// there are no values.
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

// FuzzOperands reads arbitrary bytes as operands. If they can be applied, they can be
// joined with another operand, and the result can be applied.
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
		if _, err := Apply(nil, base, operands); err != nil || len(operands) == 0 {
			return
		}
		joined, ok, err := Join(nil, operands, two)
		if err != nil {
			t.Fatalf("%x is applied but cannot be joined: %v", operands, err)
		}
		if _, err := Apply(nil, base, joined); ok && err != nil {
			t.Errorf("%x cannot be applied when it is joined: %v", operands, err)
		}
	})
}
