package record

import (
	"encoding/hex"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

func number(tag account.Tag, n uint64) account.Field {
	return account.Field{Tag: tag, Value: account.Value{Number: n, IsNumber: true}}
}

func text(tag account.Tag, s string) account.Field {
	return account.Field{Tag: tag, Value: account.Value{Text: s}}
}

var codecTests = []account.Account{
	{ID: "a", InternalID: 1, Created: time.UnixMilli(0).UTC(), Updated: time.UnixMilli(0).UTC()},
	{
		ID: "~", InternalID: math.MaxInt64, Nick: "中文", FaceURL: "https://example.com/a.png", Kicked: 1_770_000_000,
		Created: time.UnixMilli(1_770_000_000_123).UTC(), Updated: time.UnixMilli(1_760_000_000_456).UTC(),
		Profile: []account.Field{
			text("Other", "a tag that nobody knows"),
			text(account.CustomPrefix+"Hobby", "chess"),
			number(account.CustomPrefix+"Num", math.MaxUint64),
			number(account.TagBirthDay, 19900101),
			text(account.TagGender, "Gender_Type_Male"),
			number(account.TagRole, 0),
		},
	},
}

func TestAccountRoundTrip(t *testing.T) {
	for _, want := range codecTests {
		value := AppendAccount(nil, &want)
		got, err := DecodeAccount(want.ID, value)
		if err != nil {
			t.Fatalf("%s: %v", want.ID, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.ID, diff)
		}
		start, err := DecodeHead(value)
		if want := (Head{want.InternalID, want.Kicked, want.Created.UnixMilli(), want.Updated.UnixMilli()}); err != nil || start != want {
			t.Errorf("head = %+v, %v; want %+v", start, err, want)
		}
		for n := range value {
			if got, err := DecodeAccount(want.ID, value[:n]); err == nil {
				t.Errorf("%s cut to %d bytes is read as %+v", want.ID, n, got)
			}
		}
		if _, err := DecodeAccount(want.ID, append(value, 0)); err == nil {
			t.Errorf("%s with another byte is read", want.ID)
		}
	}
}

// TestStoredForm checks encodings that are in data directories. A change of them needs a
// new codecVersion.
func TestStoredForm(t *testing.T) {
	account := hex.EncodeToString(AppendAccount(nil, &codecTests[1]))
	if want := "027fffffffffffffff80ba80980df691c5c38367e58adfc04a06e4b8ade696871968747470733a2f2f6578616d706c652e636f6d2f612e706e6706" +
		"00054f746865721761207461672074686174206e6f626f6479206b6e6f7773" +
		"0205486f626279056368657373" + "03034e756dffffffffffffffffff01" + "07c5cdbe09" +
		"041047656e6465725f547970655f4d616c65" + "1700"; account != want {
		t.Errorf("account %s, want %s", account, want)
	}
	left := hex.EncodeToString(AppendGone(nil, Gone{Deleted: 1_770_000_000_123, Kicked: 7}))
	if want := "02f691c5c383670e"; left != want {
		t.Errorf("tombstone %s, want %s", left, want)
	}
}

// TestTagNumbers checks the numbers of tags in the stored form, which must not change.
func TestTagNumbers(t *testing.T) {
	want := map[account.Tag]uint64{
		account.TagGender: 2, account.TagBirthDay: 3, account.TagLocation: 4, account.TagSelfSignature: 5,
		account.TagAllowType: 6, account.TagLanguage: 7, account.TagMsgSettings: 8, account.TagAdminForbidType: 9,
		account.TagLevel: 10, account.TagRole: 11, account.CustomPrefix + "X": 1, "Unknown": 0,
	}
	for tag, n := range want {
		if got, _ := tagIndex(tag); got != n {
			t.Errorf("%s has number %d, want %d", tag, got, n)
		}
	}
}

// TestScanner scans accounts one after the other. It allocates nothing once it knows the
// custom tags.
func TestScanner(t *testing.T) {
	var s Scanner
	var got account.Account
	for range 2 {
		for _, want := range codecTests {
			if err := s.Scan(&got, []byte(want.ID), AppendAccount(nil, &want)); err != nil {
				t.Fatalf("%s: %v", want.ID, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.ID, diff)
			}
		}
	}
	id, value := []byte("~"), AppendAccount(nil, &codecTests[1])
	if n := testing.AllocsPerRun(100, func() { _ = s.Scan(&got, id, value) }); n > 0 {
		t.Errorf("%v allocations for an account", n)
	}
}

func TestGoneRoundTrip(t *testing.T) {
	for _, want := range []Gone{{}, {Deleted: -5, Kicked: math.MaxInt64}} {
		value := AppendGone(nil, want)
		if got, err := DecodeGone(value); err != nil || got != want {
			t.Errorf("DecodeGone = %+v, %v; want %+v", got, err, want)
		}
		if _, err := DecodeGone(value[:len(value)-1]); err == nil {
			t.Error("a truncated value is read")
		}
	}
}

func FuzzDecodeAccount(f *testing.F) {
	for _, a := range codecTests {
		f.Add(AppendAccount(nil, &a))
	}
	f.Add([]byte{codecVersion, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		_, _ = DecodeGone(value)
		a, err := DecodeAccount("a", value)
		var scanned account.Account
		scanErr := new(Scanner).Scan(&scanned, []byte("a"), value)
		if diff := cmp.Diff(a, scanned); (scanErr == nil) != (err == nil) || err == nil && diff != "" {
			t.Errorf("%x is decoded with the error %v and scanned with %v\n%s", value, err, scanErr, diff)
		}
		if err != nil {
			return
		}
		if _, err := DecodeHead(value); err != nil {
			t.Errorf("the head of %x: %v", value, err)
		}
		again, err := DecodeAccount("a", AppendAccount(nil, &a))
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Errorf("%x changes when it is stored again: %v\n%s", value, err, diff)
		}
	})
}
