package usersig

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
)

// A Sig is the content of a UserSig. A Sig from [Parse] is only well formed. A
// Sig from [Verify] is also genuine.
type Sig struct {
	Version    int    `json:"version"`           // 2 for HMAC-SHA256, 1 for ECDSA
	SDKAppID   uint32 `json:"sdkappid"`          // the app
	Identifier string `json:"identifier"`        // the user ID: not empty, valid UTF-8, no line feed
	IssuedAt   int64  `json:"time"`              // TLS.time, in Unix seconds; may lie in the future
	Expire     int64  `json:"expire"`            // TLS.expire, seconds of validity from IssuedAt; may be negative
	UserBuf    []byte `json:"userbuf,omitempty"` // TLS.userbuf, decoded; nil if it is absent or not base64

	thirdAppID  field  // version 1: TLS.appid_at_3rd
	accountType field  // version 1: TLS.account_type
	userBuf     field  // TLS.userbuf as it is written
	mac         []byte // TLS.sig, decoded; nil if it is not base64
	badMAC      string // TLS.sig as it is written, if it is not base64
}

// A field is an optional text. If it is present, the signed text has a line for
// it, even if the text is empty.
type field struct {
	text    string
	present bool
}

// base64 returns f decoded from base64, or nil if f is absent or not base64.
func (f field) base64() []byte {
	if !f.present {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(f.text)
	if err != nil {
		return nil
	}
	return b
}

// ExpiresAt returns the last Unix second at which s is valid. If the sum
// overflows int64, it returns the largest or smallest int64.
func (s *Sig) ExpiresAt() int64 {
	sum := s.IssuedAt + s.Expire
	switch {
	case s.Expire > 0 && sum < s.IssuedAt:
		return math.MaxInt64
	case s.Expire < 0 && sum > s.IssuedAt:
		return math.MinInt64
	}
	return sum
}

// Expired reports whether the validity of s is over at now. At the second
// [Sig.ExpiresAt] s is still valid. A Sig with a negative Expire is always
// expired, even before the time of issue.
func (s *Sig) Expired(now time.Time) bool {
	return s.Expire < 0 || now.Unix() > s.ExpiresAt()
}

// Check checks everything but the signature: the app, the user and the time, in
// that order. It is for callers that accept any well-formed UserSig. All other
// callers use [Verify].
func (s *Sig) Check(sdkAppID uint32, identifier string, now time.Time) error {
	if err := s.checkOwner(sdkAppID, identifier); err != nil {
		return err
	}
	return s.checkTime(now)
}

func (s *Sig) checkOwner(sdkAppID uint32, identifier string) error {
	if err := s.checkApp(sdkAppID); err != nil {
		return err
	}
	return s.checkUser(identifier)
}

func (s *Sig) checkApp(sdkAppID uint32) error {
	if s.SDKAppID != sdkAppID {
		return refuse(OtherApp, "made for SDKAppID %d, not for %d", s.SDKAppID, sdkAppID)
	}
	return nil
}

func (s *Sig) checkUser(identifier string) error {
	if s.Identifier != identifier {
		return refuse(OtherUser, "made for the user %q, not for %q", s.Identifier, identifier)
	}
	return nil
}

func (s *Sig) checkTime(now time.Time) error {
	if s.Expire < 0 {
		return refuse(Expired, "its validity of %d seconds is negative", s.Expire)
	}
	if s.Expire == 0 && s.Expired(now) {
		return refuse(Expired, "its validity is 0 seconds: TLS.expire is 0, and says for how many seconds it is valid")
	}
	if s.Expired(now) {
		return refuse(Expired, "expired %s, and it is %s", clock(s.ExpiresAt()), clock(now.Unix()))
	}
	return nil
}

// MaxAhead is how far in the future the UserSig of a kicked user may be dated.
// The clocks of servers differ by less.
const MaxAhead = time.Hour

// CheckKick checks s for a user who was kicked at the Unix second kicked. If
// kicked is 0 or less, the user was never kicked. CheckKick refuses a UserSig
// from before the kick. It accepts one of the same second, because a UserSig
// contains only whole seconds. It also refuses a UserSig that is dated more
// than [MaxAhead] after now, because that one would stay valid after later
// kicks.
func (s *Sig) CheckKick(kicked int64, now time.Time) error {
	switch {
	case kicked <= 0:
		return nil
	case s.IssuedAt < kicked:
		return refuse(Kicked, "the UserSig was issued %s, before the account was kicked at %s; sign anew", clock(s.IssuedAt), clock(kicked))
	case s.IssuedAt > now.Add(MaxAhead).Unix():
		return refuse(Kicked, "the account was kicked, and the UserSig is dated more than an hour in the future; correct the signer's clock and sign anew")
	}
	return nil
}

// appendSigned appends the text that the signature covers. The vendor defines
// its lines and their order, which differs from the order of the JSON.
//
// The lines have no lengths. A signed text could only be read as two different
// UserSigs if a value contained a line feed. No value does, except for the
// userbuf, which is the last line; see fields.
func (s *Sig) appendSigned(b []byte) []byte {
	if s.Version == 1 {
		b = appendField(b, "TLS.appid_at_3rd", s.thirdAppID)
		b = appendField(b, "TLS.account_type", s.accountType)
		b = appendLine(b, "TLS.identifier", s.Identifier)
		b = appendNumber(b, "TLS.sdk_appid", int64(s.SDKAppID))
		b = appendNumber(b, "TLS.time", s.IssuedAt)
		b = appendNumber(b, "TLS.expire_after", s.Expire)
	} else {
		b = appendLine(b, "TLS.identifier", s.Identifier)
		b = appendNumber(b, "TLS.sdkappid", int64(s.SDKAppID))
		b = appendNumber(b, "TLS.time", s.IssuedAt)
		b = appendNumber(b, "TLS.expire", s.Expire)
	}
	return appendField(b, "TLS.userbuf", s.userBuf)
}

func appendField(b []byte, name string, f field) []byte {
	if !f.present {
		return b
	}
	return appendLine(b, name, f.text)
}

func appendLine(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ':')
	b = append(b, value...)
	return append(b, '\n')
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(b, name...)
	b = append(b, ':')
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\n')
}

// clock formats a Unix second for a person. A second outside the years 1 to
// 9999 is formatted as a number.
func clock(sec int64) string {
	if t := calendar(sec); !t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return "at second " + strconv.FormatInt(sec, 10)
}

// calendar returns sec as a time in UTC. It returns the zero time outside the
// years 1 to 9999, which [time.Time] can neither compute with nor encode.
func calendar(sec int64) time.Time {
	const first, last = -62135596800, 253402300799
	if sec < first || sec > last {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}
