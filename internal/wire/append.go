package wire

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Append appends the encoding of v to dst. The output is that of [Encode]. The
// responses of the busiest commands are appended without allocating. On an
// error Append returns dst unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	if b, ok := appendFast(dst, v); ok {
		return b, nil
	}
	b, err := Encode(v)
	if err != nil {
		return dst, err
	}
	return append(dst, b...), nil
}

// appendFast appends v if v is one of the types that it knows and contains only
// valid UTF-8. Otherwise it returns false, and Encode decides.
func appendFast(dst []byte, v any) ([]byte, bool) {
	a := appender{b: dst, ok: true}
	switch v := v.(type) {
	case Head:
		a.head(v)
	case *HeadInfoFirst:
		a.headInfoFirst(v)
	case *MultiImportResponse:
		a.head(v.Head)
		a.failAccounts(v.FailAccounts)
	case *CheckResponse:
		a.head(v.Head)
		a.checkResults(v.ResultItem)
	default:
		return nil, false
	}
	a.raw("}")
	return a.b, a.ok
}

// An appender writes JSON with the keys in the order of the struct fields.
type appender struct {
	b  []byte
	ok bool // no invalid UTF-8 so far
}

func (a *appender) raw(text string) { a.b = append(a.b, text...) }

func (a *appender) code(c Code) { a.b = strconv.AppendInt(a.b, int64(c), 10) }

func (a *appender) text(s string) {
	if plain(bytesOf(s)) == len(s) {
		b := append(a.b, '"')
		b = append(b, s...)
		a.b = append(b, '"')
		return
	}
	b, err := jsontext.AppendQuote(a.b, s)
	a.b, a.ok = b, a.ok && err == nil
}

// head writes a Head without the closing brace of the object.
func (a *appender) head(h Head) {
	a.raw(`{"ActionStatus":`)
	a.text(h.ActionStatus)
	a.raw(`,"ErrorCode":`)
	a.code(h.ErrorCode)
	a.raw(`,"ErrorInfo":`)
	a.text(h.ErrorInfo)
}

func (a *appender) headInfoFirst(h *HeadInfoFirst) {
	a.raw(`{"ActionStatus":`)
	a.text(h.ActionStatus)
	a.raw(`,"ErrorInfo":`)
	a.text(h.ErrorInfo)
	a.raw(`,"ErrorCode":`)
	a.code(h.ErrorCode)
}

func (a *appender) failAccounts(ids []string) {
	a.raw(`,"FailAccounts":[`)
	for i, id := range ids {
		a.comma(i)
		a.text(id)
	}
	a.raw("]")
}

func (a *appender) checkResults(items []CheckResult) {
	a.raw(`,"ResultItem":[`)
	for i := range items {
		a.comma(i)
		a.checkResult(&items[i])
	}
	a.raw("]")
}

func (a *appender) checkResult(r *CheckResult) {
	a.raw(`{"UserID":`)
	a.text(r.UserID)
	if r.ResultCode == OK && r.ResultInfo == "" { // the usual case
		a.raw(`,"ResultCode":0,"ResultInfo":"","AccountStatus":`)
	} else {
		a.raw(`,"ResultCode":`)
		a.code(r.ResultCode)
		a.raw(`,"ResultInfo":`)
		a.text(r.ResultInfo)
		a.raw(`,"AccountStatus":`)
	}
	a.text(r.AccountStatus)
	a.raw("}")
}

// comma writes a comma before every item but the first.
func (a *appender) comma(i int) {
	if i > 0 {
		a.raw(",")
	}
}
