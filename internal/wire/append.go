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
	case *OnlineStatusResponse:
		a.headInfoFirst(&v.HeadInfoFirst)
		a.statuses(v.QueryResult)
		a.statusErrors(v.ErrorList)
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

func (a *appender) statuses(items []OnlineStatus) {
	a.raw(`,"QueryResult":[`)
	for i := range items {
		a.comma(i)
		a.status(&items[i])
	}
	a.raw("]")
}

func (a *appender) status(s *OnlineStatus) {
	a.raw(`{"To_Account":`)
	a.text(s.To_Account)
	a.raw(`,"Status":`)
	a.text(s.Status)
	if s.State != "" {
		a.raw(`,"State":`)
		a.text(s.State)
	}
	if s.CustomStatus != nil {
		a.raw(`,"CustomStatus":`)
		a.text(*s.CustomStatus)
	}
	if len(s.Detail) > 0 {
		a.details(s.Detail)
	}
	a.raw("}")
}

func (a *appender) details(devices []DeviceStatus) {
	a.raw(`,"Detail":[`)
	for i := range devices {
		a.comma(i)
		a.raw(`{"Platform":`)
		a.text(devices[i].Platform)
		a.raw(`,"Status":`)
		a.text(devices[i].Status)
		if id := devices[i].Instid; id != nil {
			a.raw(`,"Instid":`)
			a.b = strconv.AppendUint(a.b, *id, 10)
		}
		a.raw("}")
	}
	a.raw("]")
}

func (a *appender) statusErrors(items []StatusError) {
	a.raw(`,"ErrorList":[`)
	for i := range items {
		a.comma(i)
		a.raw(`{"To_Account":`)
		a.text(items[i].To_Account)
		a.raw(`,"ErrorCode":`)
		a.code(items[i].ErrorCode)
		a.raw("}")
	}
	a.raw("]")
}

// comma writes a comma before every item but the first.
func (a *appender) comma(i int) {
	if i > 0 {
		a.raw(",")
	}
}
