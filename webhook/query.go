package webhook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Query is the query of the URL to which a webhook is sent, without its signature. The
// body does not repeat the app and the device.
type Query struct {
	SDKAppID    uint32
	Command     string     // CallbackCommand; also in the body
	ClientIP    netip.Addr // address of the device, or of the caller of the REST API; not of an OverLimit
	OptPlatform Platform   // kind of the device, or RESTAPI
}

// Encode returns the query in the documented order of keys, which is another one for an
// OverLimit (protocol-sessions.md §7, §8.1). With a token, it adds RequestTime, which is
// now in seconds, and Sign.
func (q Query) Encode(token string, now time.Time) string {
	pairs := []string{"SdkAppid", strconv.FormatUint(uint64(q.SDKAppID), 10), "CallbackCommand", q.Command}
	if q.Command == CommandOverLimit {
		pairs = append(pairs, "OptPlatform", string(q.OptPlatform), "contenttype", "json")
	} else {
		pairs = append(pairs, "contenttype", "json", "ClientIP", q.address(), "OptPlatform", string(q.OptPlatform))
	}
	if token != "" {
		at := now.Unix()
		pairs = append(pairs, "Sign", Sign(token, at), "RequestTime", strconv.FormatInt(at, 10))
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

// address returns the text of ClientIP. It is empty if the address is unknown.
func (q Query) address() string {
	if !q.ClientIP.IsValid() {
		return ""
	}
	return q.ClientIP.String()
}

// URL returns the URL of a request: base, which is not changed, with the query after the
// query that base already has.
func (q Query) URL(base *url.URL, token string, now time.Time) *url.URL {
	u := *base
	query := q.Encode(token, now)
	if u.RawQuery != "" {
		query = strings.TrimSuffix(u.RawQuery, "&") + "&" + query
	}
	u.RawQuery = query
	return &u
}
