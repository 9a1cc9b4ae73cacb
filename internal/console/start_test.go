package console_test

import (
	"encoding/csv"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

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

// TestDays shows the figures of an app by day.
func TestDays(t *testing.T) {
	day := time.Now().UTC().Add(8 * time.Hour).Truncate(24 * time.Hour)
	v := newVisitor(t)
	for _, platform := range []string{"Android", "Web", "Mac"} {
		in := client.DeviceLogin{UserID: "ann", Platform: platform}
		if _, err := v.srv.AdminClient.LoginDevice(t.Context(), v.srv.SDKAppID, in); err != nil {
			t.Fatal(err)
		}
	}
	p := v.get("/console?app="+v.id()).ok().has(`<details id="days">`, "UTC+8")
	if time.Now().UTC().Add(8*time.Hour).Truncate(24*time.Hour) != day {
		t.Skip("a day has ended meanwhile")
	}
	today := regexp.MustCompile(`<tr><td>\d{4}-\d\d-\d\d</td><td class="number">1</td><td class="number">3</td><td class="number">1</td><td class="number">1</td>`)
	if at := today.FindStringIndex(p.body); at == nil || at[0] < strings.Index(p.body, `<details id="days">`) {
		t.Errorf("the first day is not that of three logins: %s", p.body)
	}
}

// TestRefusals shows the refused calls by code. Rare codes are counted together.
func TestRefusals(t *testing.T) {
	v := newVisitor(t)
	for code := range 70 {
		v.submit("./app/testkit", "add-fault", "number:code", strconv.Itoa(80000+code), "number:times", "1").done()
		v.make("account_check", `{"CheckItem":[{"UserID":"bob"}]}`)
	}
	p := v.get("/console?app="+v.id()).ok().has("Other codes", "/calls?code=8").lacks("code=other", "errors#other")
	for _, m := range regexp.MustCompile(`href="(/console/[^"]*/calls[?]code=[^"]*)"`).FindAllStringSubmatch(p.body, -1) {
		v.get(m[1]).ok()
	}
}

// TestManyApps checks that every app can be reached.
func TestManyApps(t *testing.T) {
	v := newVisitor(t)
	const first = 1400100000
	for i := range 150 {
		if _, err := v.srv.AdminClient.CreateApp(t.Context(), client.NewApp{SDKAppID: uint32(first + i)}); err != nil {
			t.Fatal(err)
		}
	}
	last := strconv.Itoa(first + 149)
	for _, address := range []string{"/console", "/console/server/jobs"} {
		next := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(v.get(address).ok().lacks(last).body)
		if next == nil {
			t.Fatalf("%s has no next page", address)
		}
		v.get(html.UnescapeString(next[1])).ok().has(last, "Last page")
	}
	v.get("/console/" + last + "/app").ok().has(`<option value="` + last + `" selected`)
	v.get("/console?apps=x").is(http.StatusBadRequest).has("cursor")
}
