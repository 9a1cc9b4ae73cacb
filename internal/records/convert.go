package records

import (
	"encoding/json"
	"fmt"

	"rollcall/internal/account"
)

// Convert returns the writes that take the place of a value of a store of format 4 or
// older. letter is the space that the value lay in: 'p' for the JSON of an
// [account.StoredApp], 'k' for that of an [account.Token], 'w' for that of an
// [account.AuditEntry]. Secrets stay as they are stored. An entry of the trail is
// appended, and its Seq must be the number of the commit.
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
		ws = entered(e.App, e)
	default:
		err = fmt.Errorf("an older store kept no records in %q", letter)
	}
	return ws, err
}
