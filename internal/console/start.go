package console

import (
	"net/http"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
	"rollcall/internal/figures"
)

// start shows what the server does, or one app of it.
func (v *visit) start() (*content, error) {
	s := &view.Overview{Span: v.span(), Figures: v.figuresRequest(), Status: admin.Request{Route: "readStatus"}}
	var err error
	if s.Server, err = call[adminapi.Status](v, s.Status); err != nil {
		return nil, err
	}
	if s.All, err = call[adminapi.Figures](v, s.Figures); err != nil {
		return nil, err
	}
	for _, span := range figures.Spans() {
		s.Spans = append(s.Spans, span.Name)
	}
	if v.App == nil {
		s.Apps, err = v.appRows()
	} else {
		s.ByDay = v.ofApp("readFigureDays", nil)
		s.Days, err = call[adminapi.FigureDays](v, s.ByDay)
	}
	return &content{page: view.StartPage(&v.Page, s)}, err
}

// span returns the span of time that the visitor has chosen, or else the shortest one.
func (v *visit) span() string {
	if span, ok := figures.SpanOf(v.query.Get("last")); ok {
		return span.Name
	}
	return figures.Spans()[0].Name
}

// figuresRequest returns the request for the figures of the page.
func (v *visit) figuresRequest() admin.Request {
	query := map[string]string{"last": v.span()}
	if v.App == nil {
		return admin.Request{Route: "readFigures", Query: query}
	}
	return v.ofApp("readAppFigures", query)
}

// appRows returns the apps with their numbers of accounts.
func (v *visit) appRows() ([]view.AppRow, error) {
	rows := make([]view.AppRow, len(v.Apps))
	for i, a := range v.Apps {
		n, err := call[adminapi.Count](v, admin.Request{Route: "countAccounts", Params: map[string]string{"sdkappid": strconv.FormatUint(uint64(a.SDKAppID), 10)}})
		if err != nil && account.CodeOf(err) != account.NoApp { // it may have been deleted since
			return nil, err
		}
		rows[i] = view.AppRow{App: a, Accounts: n.Count}
	}
	return rows, nil
}

// figuresTable sends the figures of the page as CSV.
func (v *visit) figuresTable() error {
	f, err := call[adminapi.Figures](v, v.figuresRequest())
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="figures-`+v.span()+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	_ = figures.WriteCSV(v.w, &f) // the client has gone; nothing is left to do
	return nil
}
