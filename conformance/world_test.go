package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
)

// A world is a server with one app at the time start. Tests of a single rule use it if
// they need more than a transcript can express.
type world struct {
	*testing.T
	keys    *keys
	handler http.Handler
	header  http.Header // of the last response
	dir     *directory.Directory
	events  []string // of login sessions
}

// inWorld runs fn in a bubble. setting is the app in JSON, as in a transcript, or empty.
func inWorld(t *testing.T, setting string, fn func(w *world), accounts ...account.UserID) {
	t.Helper()
	app := account.App{ID: defaultApp, Edition: account.Development}
	if setting != "" {
		if err := json.Unmarshal([]byte(setting), &app); err != nil {
			t.Fatal(err)
		}
	}
	runWorld(t, setup{clock: start, apps: []account.App{app}, accounts: accounts, fault: account.OK}, fn)
}

func runWorld(t *testing.T, s setup, fn func(w *world)) {
	t.Helper()
	k := newKeys(t)
	s.store = usualStore(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.clock))
		w := &world{T: t, keys: k}
		w.handler, w.dir = newServer(t, testutil.Logger(t), k, s, w.listen)
		fn(w)
	})
}

// target returns the path of command with a query. options are those of the placeholder
// sig.
func target(command, options string) string {
	return wire.CommandNamed(command).Path() + "?{{admin " + options + "}}"
}

// want posts body and checks that the response contains text. to is a path with a query,
// or a command that administrator calls.
func (w *world) want(to, body, text string) {
	w.Helper()
	if got := w.post(to, body); !strings.Contains(got, text) {
		w.Errorf("%s %s\n got: %s\nwant: %s", to, body, got, text)
	}
}

func (w *world) post(to, body string) string {
	w.Helper()
	if !strings.HasPrefix(to, "/") {
		to = target(to, "")
	}
	return w.do(httptest.NewRequest(http.MethodPost, expand(w, w.keys, to), strings.NewReader(expand(w, w.keys, body))))
}

func (w *world) do(r *http.Request) string {
	w.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	w.header = rec.Header()
	if rec.Code != http.StatusOK || w.header.Get("Content-Type") != "application/json" {
		w.Errorf("%s: %d %s", r.URL.Path, rec.Code, w.header.Get("Content-Type"))
	}
	body, err := io.ReadAll(rec.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}
