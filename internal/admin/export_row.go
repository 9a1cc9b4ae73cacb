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

// appendText appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' {
			return appendQuoted(b, s)
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii && !utf8.ValidString(s) {
		return appendQuoted(b, s)
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error says that s is no UTF-8; all of it was appended
	return b
}
