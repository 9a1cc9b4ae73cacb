package loadgen

import (
	"fmt"
	"net/url"
)

// Credentials are the authentication of calls of the account protocol.
type Credentials struct {
	SDKAppID uint32
	Admin    string // the identifier of the caller
	UserSig  string // must be valid for the whole run; if empty, calls have none
}

// query returns the query of a call's URL.
func (c Credentials) query() string {
	q := url.Values{"sdkappid": {fmt.Sprint(c.SDKAppID)}, "identifier": {c.Admin}, "random": {"20261121"}, "contenttype": {"json"}}
	if c.UserSig != "" {
		q.Set("usersig", c.UserSig)
	}
	return q.Encode()
}
