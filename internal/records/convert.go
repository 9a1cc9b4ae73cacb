package records

import (
	"encoding/json"
	"fmt"

	"rollcall/internal/account"
)

// Convert returns the writes that replace a value of a store of format 4 or older. letter
// is the first byte of the value's key in that store:
//
//   - 'p' for the JSON of an [account.StoredApp]
//   - 'k' for the JSON of an [account.Token]
//   - 'w' for the JSON of an [account.AuditEntry]
//
// Secrets keep their stored form. An audit entry is appended; the number of the commit
// must be its Seq.
func Convert(letter byte, value []byte) (ws []account.Write, err error) {
	switch letter {
	case 'p':
		var a account.App
		err = json.Unmarshal(value, &a)
		ws = []account.Write{{Kind: kindApp, Key: appKey(a.ID), Value: value, If: account.AnyVersion}}
	case 'k':
		var t account.Token
		err = json.Unmarshal(value, &t)
		ws = writeToken(&t, account.AnyVersion)
	case 'w':
		var e account.AuditEntry
		err = json.Unmarshal(value, &e)
		ws = withEntry(e.App, e)
	default:
		err = fmt.Errorf("a store of an older format has no records in %q", letter)
	}
	return ws, err
}
