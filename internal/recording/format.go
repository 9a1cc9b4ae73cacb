package recording

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// A recording is a file of JSON values, one on each line. The first line is a [Header],
// and each other line is an [Exchange].
const (
	Format  = "rollcall-recording"
	Version = 1 // of the format; a reader refuses newer ones
)

// A Header is the first line of a recording.
type Header struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	RecordedAt time.Time `json:"recorded_at"`
	RecordedBy string    `json:"recorded_by"` // the version of Rollcall
	Endpoint   string    `json:"endpoint"`    // a host of the vendor, or "other"
}

// An Exchange is one call with its response. All texts of users in it are pseudonyms.
type Exchange struct {
	Call     int      `json:"call"`    // from 1, in the order in which the calls ended
	At       int64    `json:"at_ms"`   // when the call arrived, in milliseconds since the start
	Took     int64    `json:"took_ms"` // how long the endpoint took for the whole response
	Request  Request  `json:"request"`
	Response Response `json:"response"`
}

// A Request is the recorded part of a request. The other headers are not recorded.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"` // as it was escaped

	// Query contains the parameters as names and values, in order. The values
	// [signature], [random] and [badEscape] stand for those that are not recorded.
	Query       [][2]string `json:"query"`
	UserSig     *UserSig    `json:"usersig,omitempty"` // nil without a usersig in the query, or with an empty one
	ContentType string      `json:"content_type,omitempty"`
	Body
}

// Placeholders in [Request.Query].
const (
	signature = "{usersig}"
	random    = "{random}" // an unsigned integer of 32 bits
	badEscape = "{%}"      // a value with a percent sign and no two digits after it
)

// A UserSig says what was in a UserSig, which itself is not recorded.
type UserSig struct {
	Version    int    `json:"version"`              // 1 or 2; 0 if it could not be read
	SDKAppID   uint32 `json:"sdkappid,omitzero"`    // if it is not that of the query
	Identifier string `json:"identifier,omitempty"` // if it is not that of the query
	Age        int64  `json:"age_s"`                // seconds between its issue and the call
	Expire     int64  `json:"expire_s"`             // seconds of validity
}

// A Response is the recorded part of a response.
type Response struct {
	Status      int    `json:"status"`
	Proto       string `json:"proto"` // of the endpoint, as HTTP/1.1
	ContentType string `json:"content_type,omitempty"`
	Body
}

// A Body is a body in one of four forms. If all are empty, the body is empty.
type Body struct {
	JSON    json.RawMessage `json:"body,omitempty"`  // JSON; white space between tokens is not kept
	Text    string          `json:"text,omitempty"`  // other text
	Bytes   []byte          `json:"bytes,omitempty"` // what is no UTF-8
	Omitted string          `json:"omitted,omitempty"`
}

// newBody returns b in its form.
func newBody(b []byte) Body {
	switch {
	case !utf8.Valid(b):
		return Body{Bytes: b}
	case json.Valid(b):
		return Body{JSON: b}
	}
	return Body{Text: string(b)}
}

// raw returns the bytes of b.
func (b *Body) raw() []byte {
	switch {
	case b.JSON != nil:
		return b.JSON
	case b.Bytes != nil:
		return b.Bytes
	}
	return []byte(b.Text)
}

// line returns v as one line of a recording.
func line(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
