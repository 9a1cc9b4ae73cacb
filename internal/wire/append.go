package wire

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Append appends what [Encode] makes of v to dst, and for the answers that are
// sent by the thousand each second it does so without garbage. On an error dst
// is what it was.
func Append(dst []byte, v any) ([]byte, error) {
	if b, ok := appendQuick(dst, v); ok {
		return b, nil
	}
	b, err := Encode(v)
	if err != nil {
		return dst, err
	}
	return append(dst, b...), nil
}

// appendQuick returns false for a v that it does not know, and for one that
// holds invalid UTF-8: what that means is left to Encode.
func appendQuick(dst []byte, v any) ([]byte, bool) {
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

// An appender writes JSON in the order of the structs.
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

// head writes a Head, without the end of the object.
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
	if r.ResultCode == OK && r.ResultInfo == "" { // nearly always
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

// comma separates item i from the one before it.
func (a *appender) comma(i int) {
	if i > 0 {
		a.raw(",")
	}
}
