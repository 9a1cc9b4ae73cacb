package admin

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Layouts of times.
const (
	timeLayout   = "2006-01-02T15:04:05.000Z"
	kickedLayout = "2006-01-02T15:04:05Z"
)

// writeTime writes a time in RFC 3339, in UTC with milliseconds. It writes the time of a
// kick in whole seconds, because a kick is stored in seconds.
func writeTime(enc *jsontext.Encoder, t time.Time) error {
	layout := timeLayout
	if enc.StackPointer().LastToken() == "kicked_at" {
		layout = kickedLayout
	}
	return enc.WriteToken(jsontext.String(t.UTC().Format(layout)))
}

// readTime reads a time in RFC 3339 between the years 1970 and 9999. An earlier time
// could be mistaken for no time when it is truncated to milliseconds. A later time
// cannot be written.
func readTime(dec *jsontext.Decoder, t *time.Time) error {
	value, err := dec.ReadToken()
	switch {
	case err != nil:
		return err
	case value.Kind() == 'n': // null counts as absent
		*t = time.Time{}
		return nil
	case value.Kind() != '"':
		return errors.New("it is not a text")
	}
	parsed, err := time.Parse(time.RFC3339, value.String())
	if year := parsed.UTC().Year(); err == nil && (year < 1970 || year > 9999) {
		err = errors.New("the year is not one from 1970 to 9999")
	}
	*t = parsed
	return err
}

var (
	writers    = json.WithMarshalers(json.JoinMarshalers(deviceWriter, json.MarshalToFunc(writeTime)))
	timeReader = json.WithUnmarshalers(json.UnmarshalFromFunc(readTime))
)
