package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// TestImports decodes the encoding of an import as a new account, and applies its operand
// to an existing account.
func TestImports(t *testing.T) {
	const app account.AppID = 1400000001
	at := codecTests[1].Created
	items := []account.Upsert{{ID: "a"}, {ID: "bc", Nick: "中文", FaceURL: "https://example.com/b.png"}}
	var m Imports
	m.Encode(app, []account.Upsert{{ID: "other", Nick: "x"}, {}, {}}, at.Add(time.Hour)) // nothing of it remains
	m.Encode(app, items, at)
	size := 0
	for i, item := range items {
		name, value := m.Item(i)
		size += len(name) + len(value)
		if NameApp(name) != app || NameID(name) != item.ID || string(m.Name(i)) != string(name) {
			t.Errorf("names %q and %q, want that of %s", name, m.Name(i), item.ID)
		}
		want := account.Account{ID: item.ID, InternalID: 5, Nick: item.Nick, FaceURL: item.FaceURL, Created: at, Updated: at}
		SetInternalID(value, 5)
		checkDecode(t, want, value)
		want.Kicked = 7
		kicked := m.WithKicked(i, 7)
		SetInternalID(kicked, 5)
		checkDecode(t, want, kicked)
	}
	if m.Size() != size {
		t.Errorf("size %d, want %d", m.Size(), size)
	}
	if operand := m.AppendOperand(nil, 0); len(operand) > 0 {
		t.Errorf("an import of an id alone makes the operand %x", operand)
	}
	want := codecTests[0]
	value, err := Apply(nil, AppendAccount(nil, &want), m.AppendOperand(nil, 1))
	if err != nil {
		t.Fatal(err)
	}
	items[1].Apply(&want, at)
	checkDecode(t, want, value)
}

func checkDecode(t *testing.T, want account.Account, value []byte) {
	t.Helper()
	got, err := DecodeAccount(want.ID, value)
	if err != nil {
		t.Fatalf("%s: %v", want.ID, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", want.ID, diff)
	}
}
