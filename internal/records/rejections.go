package records

import (
	"context"
	"fmt"

	"rollcall/internal/account"
)

// A Rejection is a row of an import that was not imported, and why.
type Rejection struct {
	Row    int64
	Line   int // of the file; 0 if there is none
	UserID string
	Code   int // the vendor's number; 0 if the row is no account
	Reason string
}

// rejectionList is the stored form of rejections. Each reason is in it once.
type rejectionList struct {
	Reasons []storedReason    `json:"reasons"`
	Rows    []storedRejection `json:"rows"`
}

type storedReason struct {
	Code int    `json:"c,omitempty"`
	Text string `json:"t"`
}

type storedRejection struct {
	Row    int64  `json:"r"`
	Line   int    `json:"l,omitempty"`
	UserID string `json:"u,omitempty"`
	Reason int    `json:"w"` // index of Reasons
}

// maxRejectionBytes is roughly the size of a record of rejections.
const maxRejectionBytes = 256 << 10

// rejectedPrefix begins the keys of the rejections of an import.
func (i *Import) rejectedPrefix() string { return importKey(i.App, i.ID) + "/" }

func rejectedKey(prefix string, row int64) string { return fmt.Sprintf("%s%016x", prefix, row) }

// rejectedWrites returns the writes of rejections, which are sorted by row.
func (i *Import) rejectedWrites(rs []Rejection) (ws []account.Write) {
	for len(rs) > 0 {
		list, n := newRejectionList(rs)
		ws = append(ws, account.Write{
			Kind: kindImportRejected, Key: rejectedKey(i.rejectedPrefix(), rs[n-1].Row), Value: encode(list), If: account.AnyVersion,
		})
		rs = rs[n:]
	}
	return ws
}

// newRejectionList returns a record of the first n of rs.
func newRejectionList(rs []Rejection) (list rejectionList, n int) {
	reasons := map[storedReason]int{}
	for size := 0; n < len(rs) && size < maxRejectionBytes; n++ {
		r := &rs[n]
		reason := storedReason{r.Code, r.Reason}
		at, ok := reasons[reason]
		if !ok {
			at = len(list.Reasons)
			reasons[reason] = at
			list.Reasons = append(list.Reasons, reason)
			size += len(r.Reason) + 16
		}
		list.Rows = append(list.Rows, storedRejection{r.Row, r.Line, r.UserID, at})
		size += len(r.UserID) + 32
	}
	return list, n
}

// Rejected returns rejections of an import after a row, in their order, at most limit.
func (r *Registry) Rejected(ctx context.Context, i *Import, after int64, limit int) (rs []Rejection, err error) {
	prefix := i.rejectedPrefix()
	q := account.RecordQuery{Kind: kindImportRejected, Prefix: prefix, After: rejectedKey(prefix, after), Limit: 2}
	for {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			list, err := decode[rejectionList](rec.Value)
			if err != nil {
				return nil, damaged(kindImportRejected, rec.Key, err)
			}
			rs = list.appendTo(rs, after, limit)
		}
		if q.After = page.Next; q.After == "" || len(rs) == limit {
			return rs, nil
		}
	}
}

// appendTo appends the rejections after a row to rs, up to a length of limit. It leaves out
// those up to the last one of rs: if an engine divides a chunk into commits, later ones
// repeat the rejections of earlier ones.
func (l *rejectionList) appendTo(rs []Rejection, after int64, limit int) []Rejection {
	for _, s := range l.Rows {
		if len(rs) > 0 {
			after = max(after, rs[len(rs)-1].Row)
		}
		if s.Row <= after || s.Reason < 0 || s.Reason >= len(l.Reasons) {
			continue
		}
		if len(rs) == limit {
			break
		}
		reason := l.Reasons[s.Reason]
		rs = append(rs, Rejection{s.Row, s.Line, s.UserID, reason.Code, reason.Text})
	}
	return rs
}
