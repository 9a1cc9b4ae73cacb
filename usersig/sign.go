package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Claims are the claims of a UserSig to sign.
type Claims struct {
	SDKAppID   uint32
	Identifier string        // the user ID: not empty, valid UTF-8, no line feed
	IssuedAt   time.Time     // cut to the second; the zero time means now
	Validity   time.Duration // cut to the second; with a negative one the UserSig is expired from the start
	UserBuf    []byte        // optional; see [RoomPermit]
}

// Sign returns a UserSig with the claims c. It is of version 2 for an HMAC key
// and of version 1 for an ECDSA private key. Any verifier of the vendor accepts
// it. Two calls for version 1 return two different texts, and both are valid.
//
// The vendor advises a validity between one day and 50 years. Sign does not
// enforce that. It refuses claims that [Parse] could not read back: an invalid
// identifier, or a UserSig larger than [MaxText] or [MaxInflated].
func Sign(k Key, c Claims) (string, error) {
	s, err := c.sig(k.version())
	if err != nil {
		return "", err
	}
	if s.mac, err = k.sign(s); err != nil {
		return "", err
	}
	payload, err := s.payload()
	if err != nil {
		return "", err
	}
	text, err := pack(payload)
	if err != nil {
		return "", err
	}
	if len(payload) > MaxInflated || len(text) > MaxText {
		return "", errors.New("usersig: identifier and userbuf are too long for a UserSig")
	}
	return text, nil
}

// sig returns the unsigned Sig of c.
func (c Claims) sig(version int) (*Sig, error) {
	if err := validIdentifier(c.Identifier); err != nil {
		return nil, fmt.Errorf("usersig: %w", err)
	}
	if c.IssuedAt.IsZero() {
		c.IssuedAt = time.Now()
	}
	s := &Sig{
		Version:    version,
		SDKAppID:   c.SDKAppID,
		Identifier: c.Identifier,
		IssuedAt:   c.IssuedAt.Unix(),
		Expire:     int64(c.Validity / time.Second),
	}
	if version == 1 {
		s.thirdAppID, s.accountType = field{"0", true}, field{"0", true} // like the vendor's libraries
	}
	if len(c.UserBuf) > 0 {
		s.UserBuf = c.UserBuf
		s.userBuf = field{base64.StdEncoding.EncodeToString(c.UserBuf), true}
	}
	return s, nil
}

// validIdentifier checks only what the format requires. Other packages decide
// which ids an app allows.
func validIdentifier(id string) error {
	switch {
	case id == "":
		return errors.New("the identifier is empty")
	case !utf8.ValidString(id):
		return errors.New("the identifier is not valid UTF-8")
	case strings.Contains(id, "\n"):
		// The signed text has one line per field and no lengths, so an
		// identifier of several lines could be read as other fields.
		return errors.New("the identifier holds a line feed")
	}
	return nil
}

// payload returns the JSON of s with the names, types and order that the
// vendor's libraries use.
func (s *Sig) payload() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.document()); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// A document1 is the JSON of version 1, in which every value is a string.
type document1 struct {
	AccountType string `json:"TLS.account_type"`
	Identifier  string `json:"TLS.identifier"`
	ThirdAppID  string `json:"TLS.appid_at_3rd"`
	SDKAppID    uint32 `json:"TLS.sdk_appid,string"`
	ExpireAfter int64  `json:"TLS.expire_after,string"`
	Version     string `json:"TLS.version"`
	Time        int64  `json:"TLS.time,string"`
	UserBuf     []byte `json:"TLS.userbuf,omitempty"`
	Sig         []byte `json:"TLS.sig"`
}

// A document2 is the JSON of version 2.
type document2 struct {
	Ver        string `json:"TLS.ver"`
	Identifier string `json:"TLS.identifier"`
	SDKAppID   uint32 `json:"TLS.sdkappid"`
	Expire     int64  `json:"TLS.expire"`
	Time       int64  `json:"TLS.time"`
	UserBuf    []byte `json:"TLS.userbuf,omitempty"`
	Sig        []byte `json:"TLS.sig"`
}

func (s *Sig) document() any {
	if s.Version == 1 {
		return document1{
			AccountType: s.accountType.text,
			Identifier:  s.Identifier,
			ThirdAppID:  s.thirdAppID.text,
			SDKAppID:    s.SDKAppID,
			ExpireAfter: s.Expire,
			Version:     "201610110000", // the value of the vendor's last library for version 1
			Time:        s.IssuedAt,
			UserBuf:     s.UserBuf,
			Sig:         s.mac,
		}
	}
	return document2{"2.0", s.Identifier, s.SDKAppID, s.Expire, s.IssuedAt, s.UserBuf, s.mac}
}

// envelope is the base64 encoding of a UserSig. It is not the URL alphabet of
// RFC 4648, and the padding is kept.
var envelope = base64.NewEncoding(
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-").WithPadding('_')

// deflaters is a pool, because a new deflater needs several hundred kilobytes.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

func pack(payload []byte) (string, error) {
	var b bytes.Buffer
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	if _, err := w.Write(payload); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return envelope.EncodeToString(b.Bytes()), nil
}
