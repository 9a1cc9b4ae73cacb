package webhook

import (
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the body to b. It implements [Body].
func (s StateChange) AppendJSON(b []byte) []byte {
	b = append(b, `{"CallbackCommand":"`+CommandStateChange+`","EventTime":`...)
	b = strconv.AppendInt(b, s.EventTime, 10)
	b = appendMember(b, `,"Info":{"Action":`, string(s.Info.Action))
	b = appendMember(b, `,"To_Account":`, s.Info.ToAccount)
	b = appendMember(b, `,"Reason":`, string(s.Info.Reason))
	if s.Info.Action == CustomStatusChange {
		b = appendMember(b, `,"CustomStatus":`, s.Info.CustomStatus)
	}
	b = append(b, '}')
	for i, d := range s.KickedDevice {
		key := `,{"Platform":`
		if i == 0 {
			key = `,"KickedDevice":[{"Platform":`
		}
		b = append(appendMember(b, key, string(d.Platform)), '}')
	}
	if len(s.KickedDevice) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// AppendJSON appends the body to b. It implements [Body].
func (p PortraitSet) AppendJSON(b []byte) []byte {
	b = append(b, `{"CallbackCommand":"`+CommandPortraitSet+`"`...)
	b = appendMember(b, `,"Operator_Account":`, p.OperatorAccount)
	b = appendMember(b, `,"From_Account":`, p.FromAccount)
	b = append(b, `,"EventTime":`...)
	b = strconv.AppendInt(b, p.EventTime, 10)
	b = append(b, `,"ProfileItem":[`...)
	for i, f := range p.ProfileItem {
		if i > 0 {
			b = append(b, ',')
		}
		b = f.appendJSON(b)
	}
	return append(b, "]}"...)
}

func (f Field) appendJSON(b []byte) []byte {
	b = appendMember(b, `{"Tag":`, f.Tag)
	if f.IsNumber {
		b = append(b, `,"Value":`...)
		b = strconv.AppendUint(b, f.Number, 10)
	} else {
		b = appendMember(b, `,"Value":`, f.Text)
	}
	return append(b, '}')
}

// AppendJSON appends the body to b. It implements [Body].
func (o OverLimit) AppendJSON(b []byte) []byte {
	b = append(b, `{"CallbackCommand":"`+CommandOverLimit+`"`...)
	b = appendMember(b, `,"ServiceName":`, o.ServiceName)
	b = appendMember(b, `,"Command":`, o.Command)
	b = append(b, `,"Request":`...)
	b = strconv.AppendInt(b, o.Request, 10)
	b = append(b, `,"Limit":`...)
	b = strconv.AppendInt(b, o.Limit, 10)
	return append(b, '}')
}

// MarshalJSON returns the body with the escapes of package json, which adds them to the
// result of every such method.
func (s StateChange) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// MarshalJSON returns the body with the escapes of package json.
func (p PortraitSet) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// MarshalJSON returns the field with the escapes of package json.
func (f Field) MarshalJSON() ([]byte, error) { return f.appendJSON(nil), nil }

// MarshalJSON returns the body with the escapes of package json.
func (o OverLimit) MarshalJSON() ([]byte, error) { return o.AppendJSON(nil), nil }

// appendMember appends key, which contains everything before the value, and the value.
func appendMember(b []byte, key, value string) []byte {
	return appendString(append(b, key...), value)
}

// appendString appends s as a JSON string. It escapes only what JSON requires.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s { // a byte that is not UTF-8 is U+FFFD here
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x20:
			b = utf8.AppendRune(b, r)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		default:
			const hex = "0123456789abcdef"
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&15])
		}
	}
	return append(b, '"')
}
