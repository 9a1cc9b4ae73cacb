package loadgen

import (
	"fmt"
	"net/url"
)

// Credentials are what calls of the account protocol carry.
type Credentials struct {
	SDKAppID uint32
	Admin    string // who calls
	UserSig  string // valid for the whole run; empty leaves calls without one
}

// query returns the query of a call's URL.
func (c Credentials) query() string {
	q := url.Values{"sdkappid": {fmt.Sprint(c.SDKAppID)}, "identifier": {c.Admin}, "random": {"20261121"}, "contenttype": {"json"}}
	if c.UserSig != "" {
		q.Set("usersig", c.UserSig)
	}
	return q.Encode()
}
