package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/account"
)

// PostgreSQL cannot store the character U+0000 in a text. It is stored as U+0001 "0", and
// U+0001 itself as U+0001 "1".
var (
	escaper   = strings.NewReplacer("\x00", "\x010", "\x01", "\x011")
	unescaper = strings.NewReplacer("\x010", "\x00", "\x011", "\x01")
)

// escape returns s in a form that PostgreSQL can store. Invalid UTF-8, which no caller
// passes, becomes U+FFFD.
func escape(s string) string {
	if strings.ContainsAny(s, "\x00\x01") {
		s = escaper.Replace(s)
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	return s
}

// unescape is the opposite of escape.
func unescape(s string) string {
	if strings.IndexByte(s, 1) >= 0 {
		return unescaper.Replace(s)
	}
	return s
}

// storable reports whether an id can be stored as it is. No other id has an account.
func storable(id account.UserID) bool {
	return strings.IndexByte(string(id), 0) < 0 && utf8.ValidString(string(id))
}

// encodeProfile returns the fields of a profile as a JSON object, or "" if there are none.
func encodeProfile(fs []account.Field) string {
	if len(fs) == 0 {
		return ""
	}
	b := []byte{'{'}
	for i, f := range fs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, string(f.Tag)), ':')
		if f.Value.IsNumber {
			b = strconv.AppendUint(b, f.Value.Number, 10)
		} else {
			b = appendJSON(b, f.Value.Text)
		}
	}
	return string(append(b, '}'))
}

// appendJSON appends a text as JSON.
func appendJSON(b []byte, s string) []byte {
	quoted, err := json.Marshal(escape(s))
	if err != nil {
		panic(err) // a string always has JSON
	}
	return append(b, quoted...)
}

// decodeProfile returns the fields of a JSON object of encodeProfile, in the order of tags.
func decodeProfile(text []byte) ([]account.Field, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("the profile of an account is damaged: %w", err)
	}
	fs := make([]account.Field, 0, len(object))
	for tag, raw := range object {
		f := account.Field{Tag: account.Tag(unescape(tag))}
		if err := decodeValue(raw, &f.Value); err != nil {
			return nil, fmt.Errorf("the profile of an account is damaged: %w", err)
		}
		fs = append(fs, f)
	}
	slices.SortFunc(fs, func(a, b account.Field) int { return strings.Compare(string(a.Tag), string(b.Tag)) })
	return fs, nil
}

func decodeValue(raw json.RawMessage, v *account.Value) (err error) {
	if len(raw) > 0 && raw[0] == '"' {
		err = json.Unmarshal(raw, &v.Text)
		v.Text = unescape(v.Text)
		return err
	}
	v.IsNumber = true
	v.Number, err = strconv.ParseUint(string(raw), 10, 64)
	return err
}
