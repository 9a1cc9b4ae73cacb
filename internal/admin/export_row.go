package admin

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// rowRoom is more than the usual size of a row in bytes. A larger row costs an allocation.
const rowRoom = 8 << 10

// appendRow appends an [adminapi.ExportRow] and the end of the line. It is written by hand
// because a marshaler takes several times as long.
func appendRow(b []byte, e *account.Exported, details bool) []byte {
	b = append(b, `{"userid":`...)
	b = appendText(b, string(e.ID))
	if e.Gone() {
		b = appendTime(append(b, `,"deleted_at":`...), e.Deleted, timeLayout)
		if details {
			b = appendKicked(b, e.Kicked)
		}
		return append(b, "}\n"...)
	}
	b = appendText(append(b, `,"nick":`...), e.Nick)
	b = appendText(append(b, `,"face_url":`...), e.FaceURL)
	if len(e.Profile) > 0 {
		b = appendProfile(b, e.Profile)
	}
	if details {
		b = append(b, `,"internal_id":"`...)
		b = append(strconv.AppendUint(b, e.InternalID, 10), '"')
		b = appendTime(append(b, `,"created_at":`...), e.Created, timeLayout)
		b = appendTime(append(b, `,"updated_at":`...), e.Updated, timeLayout)
		b = appendKicked(b, e.Kicked)
	}
	return append(b, "}\n"...)
}

func appendProfile(b []byte, fields []account.Field) []byte {
	b = append(b, `,"profile":`...)
	separator := byte('{')
	for _, f := range fields {
		b = appendText(append(b, separator), string(f.Tag))
		b = append(b, ':')
		if f.Value.IsNumber {
			b = strconv.AppendUint(b, f.Value.Number, 10)
		} else {
			b = appendText(b, f.Value.Text)
		}
		separator = ','
	}
	return append(b, '}')
}

func appendKicked(b []byte, kicked int64) []byte {
	if kicked <= 0 {
		return b
	}
	return appendTime(append(b, `,"kicked_at":`...), time.Unix(kicked, 0), kickedLayout)
}

func appendTime(b []byte, t time.Time, layout string) []byte {
	b = t.UTC().AppendFormat(append(b, '"'), layout)
	return append(b, '"')
}

// Classes of bytes in a text.
const (
	escaped  = 1 // cannot be in a JSON string as it is
	nonASCII = 2
)

var classes = func() (table [256]byte) {
	for c := range ' ' {
		table[c] = escaped
	}
	table['"'], table['\\'] = escaped, escaped
	for c := utf8.RuneSelf; c < len(table); c++ {
		table[c] = nonASCII
	}
	return table
}()

// appendText appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	found := byte(0)
	for i := range len(s) {
		found |= classes[s[i]]
	}
	if found&escaped != 0 || found&nonASCII != 0 && !utf8.ValidString(s) {
		b, _ = jsontext.AppendQuote(b, s) // the error says that s is no UTF-8; all of it was appended
		return b
	}
	return append(append(append(b, '"'), s...), '"')
}
