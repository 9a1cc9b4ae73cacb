package usersig

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
)

// parse parses the JSON of a UserSig. The Sig shares no memory with b.
func (d *decoder) parse(b []byte) (*Sig, error) {
	o := &d.object
	if err := o.scan(b); err != nil {
		return nil, refuse(Malformed, "%v", err)
	}
	if o.get("TLS.ver") != nil {
		return parse2(o)
	}
	if o.get("TLS.sdk_appid") != nil {
		return parse1(o)
	}
	return nil, refuse(Malformed, "it has neither TLS.ver nor TLS.sdk_appid")
}

func parse1(o *object) (*Sig, error) {
	f := fields{object: o, loose: true}
	s := &Sig{
		Version:     1,
		SDKAppID:    f.appID("TLS.sdk_appid"),
		Identifier:  f.identifier(),
		IssuedAt:    f.number("TLS.time"),
		Expire:      f.number("TLS.expire_after"),
		thirdAppID:  f.line("TLS.appid_at_3rd"),
		accountType: f.line("TLS.account_type"),
		userBuf:     f.userBuf(),
	}
	f.signature(s)
	if !s.accountType.present {
		f.fail("TLS.account_type is missing")
	}
	return f.done(s)
}

func parse2(o *object) (*Sig, error) {
	f := fields{object: o}
	if v := f.text("TLS.ver"); f.err == nil && string(v) != "2.0" {
		return nil, refuse(Malformed, `TLS.ver is %q, and only "2.0" is known`, v)
	}
	s := &Sig{
		Version:    2,
		SDKAppID:   f.appID("TLS.sdkappid"),
		Identifier: f.identifier(),
		IssuedAt:   f.number("TLS.time"),
		Expire:     f.number("TLS.expire"),
		userBuf:    f.userBuf(),
	}
	f.signature(s)
	return f.done(s)
}

// fields reads typed values and keeps the first error.
//
// Each value that becomes part of the signed text is one of these:
//   - A plain integer, which is formatted exactly as it was read.
//   - A text without a line feed.
//   - The userbuf, whose lines cannot be mistaken for other fields.
type fields struct {
	*object
	loose bool // whether numbers may be strings and the identifier may be a number
	err   error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = refuse(Malformed, format, args...)
	}
}

func (f *fields) done(s *Sig) (*Sig, error) {
	if f.err != nil {
		return nil, f.err
	}
	s.UserBuf = s.userBuf.base64()
	return s, nil
}

// number returns a member that must be a decimal integer in its shortest form.
func (f *fields) number(name string) int64 {
	raw := f.get(name)
	if raw == nil {
		f.fail("%s is missing", name)
		return 0
	}
	if raw[0] == '"' {
		if !f.loose {
			f.fail("%s is a string, not a number", name)
			return 0
		}
		raw = raw[1 : len(raw)-1] // an escape is not a digit, so it is refused below
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	var shortest [20]byte // the length of -1<<63
	if err != nil || string(strconv.AppendInt(shortest[:0], n, 10)) != string(raw) {
		f.fail("%s is not a plain integer", name)
	}
	return n
}

func (f *fields) appID(name string) uint32 {
	n := f.number(name)
	if n < 0 || n > math.MaxUint32 {
		f.fail("%s is not an SDKAppID: %d", name, n)
	}
	return uint32(n)
}

// text returns the content of a member that must be a string.
func (f *fields) text(name string) []byte {
	raw := f.get(name)
	switch {
	case raw == nil:
		f.fail("%s is missing", name)
	case raw[0] != '"':
		f.fail("%s is not a string", name)
	default:
		return unquote(raw)
	}
	return nil
}

func (f *fields) identifier() string {
	const name = "TLS.identifier"
	if raw := f.get(name); f.loose && raw != nil && raw[0] != '"' {
		return strconv.FormatInt(f.number(name), 10)
	}
	id := string(f.text(name))
	if f.err == nil {
		if err := validIdentifier(id); err != nil {
			f.fail("%v", err)
		}
	}
	return id
}

// line returns a member that has its own line in the signed text. It may be any
// text without a line feed, or a plain integer, which stands for its digits.
func (f *fields) line(name string) field {
	raw := f.get(name)
	switch {
	case raw == nil:
		return field{}
	case raw[0] != '"':
		return field{strconv.FormatInt(f.number(name), 10), true}
	}
	text := unquote(raw)
	if bytes.IndexByte(text, '\n') >= 0 {
		f.fail("%s holds a line feed", name)
	}
	return field{string(text), true}
}

// userBuf returns the userbuf as it is written, because the signature covers it
// in that form. Some signers break its base64 into lines. A line that looks
// like another field is refused. Otherwise the end of a signed text with an
// identifier of several lines could pass for a userbuf.
func (f *fields) userBuf() field {
	const name = "TLS.userbuf"
	if f.get(name) == nil {
		return field{}
	}
	text := f.text(name)
	if bytes.Contains(text, []byte("\nTLS.")) {
		f.fail("a line of %s reads as another field", name)
	}
	return field{string(text), true}
}

// signature reads TLS.sig. A TLS.sig that is not base64 fits no key. It is kept
// for Explain.
func (f *fields) signature(s *Sig) {
	text := f.text("TLS.sig")
	mac, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		s.badMAC = string(text)
		return
	}
	s.mac = mac
}
