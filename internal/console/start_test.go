package console_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/figures"
)

func TestStart(t *testing.T) {
	v := newVisitor(t)
	if _, err := v.srv.Client.ImportAccounts(t.Context(), []client.Account{{UserID: "ann"}, {UserID: "bob"}}); err != nil {
		t.Fatal(err)
	}
	v.get("/console").ok().has(`<div class="figure">3</div>`) // and the admin
	for _, span := range figures.Spans() {
		p := v.get("/console?last=" + span.Name).ok()
		p.has(`id="calls-chart"`, `id="accounts-chart"`, "<svg", `aria-current="true"`, "/figures.csv?")
		if n := strings.Count(p.body, "<tr>"); n < span.N {
			t.Errorf("%s: the table has %d rows, want at least %d", span.Name, n, span.N)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(v.get("/console/figures.csv?last=7d").ok().body)).ReadAll()
	if err != nil || len(rows) < 169 {
		t.Errorf("the table of CSV has %d rows, %v", len(rows), err)
	}
	v.get("/console?last=1y").ok().has(`id="calls-chart"`)
}
