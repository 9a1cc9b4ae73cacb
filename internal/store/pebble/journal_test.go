package pebble

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// FuzzJournal reads anything as a commit of the journal.
func FuzzJournal(f *testing.F) {
	x := account.Account{ID: "a", InternalID: 1, Nick: "x", Created: now, Updated: now}
	a := record.AppendAccount(nil, &x)
	b, _ := appendChange(nil, change{setKind, true, record.AppendName(nil, app, "a"), a})
	patch := record.AppendPatch(nil, account.Patch{Kicked: 3, Fields: []account.Field{{Tag: account.TagNick, Value: account.Value{Text: "y"}}}}, now)
	b, _ = appendChange(b, change{mergeKind, false, record.AppendName(nil, app, "a"), patch})
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
			_, _ = c.account(func() ([]byte, error) { return a, nil })
			return nil
		})
		if err == nil && len(data) > 0 && read == 0 {
			t.Error("nothing was read of something")
		}
	})
}
