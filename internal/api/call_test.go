package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/faults"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// TestCallsKeepNothing imports accounts with bodies whose memory is reused, by
// this test and by many goroutines at once. The stored accounts must equal the
// sent ones, and each response must belong to its own request.
func TestCallsKeepNothing(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}})
	query := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
	const workers, rounds = 8, 30
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for round := range rounds {
				good, bad := fmt.Sprintf("user-%d-%d", worker, round), fmt.Sprintf("@bad-%d-%d", worker, round)
				body := fmt.Sprintf(`{"AccountList":[{"UserID":%q,"Nick":"\u4e2d %s","FaceUrl":"f/%s"},{"UserID":%q}]}`, good, good, good, bad)
				want := fmt.Sprintf(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[%q]}`, bad)
				if got := f.serve("multiaccount_import", query, body); got != want {
					t.Errorf("import = %s, want %s", got, want)
				}
				got := f.serve("account_check", query, fmt.Sprintf(`{"CheckItem":[{"UserID":%q},{"UserID":%q}]}`, good, bad))
				if !strings.Contains(got, fmt.Sprintf(`{"UserID":%q,"ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`, good)) ||
					!strings.Contains(got, fmt.Sprintf(`{"UserID":%q,"ResultCode":70402`, bad)) {
					t.Errorf("check = %s", got)
				}
				f.serve("account_import", query, `{"UserID":"one","Nick":"nick of one"}`)
			}
		})
	}
	wg.Wait()
	var got, want []string
	for _, a := range f.accounts(t) {
		if strings.HasPrefix(string(a.ID), "user-") {
			got = append(got, a.Nick+a.FaceURL)
			want = append(want, "中 "+string(a.ID)+"f/"+string(a.ID))
		}
	}
	if len(got) != workers*rounds {
		t.Errorf("%d accounts are there, want %d", len(got), workers*rounds)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-sent +stored):\n%s", diff)
	}
}

// serve posts body to a login command and returns the response.
func (f *fixture) serve(command, query, body string) string {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/"+command, query, body))
	return w.Body.String()
}

// TestFreedCallsAreEmpty checks that a call leaves nothing in its memory.
func TestFreedCallsAreEmpty(t *testing.T) {
	c := new(call)
	c.userIDs = []account.UserID{"a", "b"}
	c.items = []account.Upsert{{ID: "a"}}
	c.query, c.response = make([]byte, keepQuery+1), make([]byte, keepResponse+1)
	c.app, c.endpoint, c.explain = new(account.App), new(endpoint), []reason{{}}
	c.test, c.kept, c.shadow, c.refused.info, c.failures = true, true, 1, "x", []calls.Failure{{}}
	c.sig = new(usersig.Sig)
	c.fault, c.doomed = new(faults.Injection), []int{1}
	c.free()
	if c.test || c.kept || c.shadow != 0 || c.refused != (refusal{}) || c.failures != nil || c.fault != nil || c.sig != nil || c.doomed != nil {
		t.Errorf("left: %+v, %+v", c.observed, c.injected)
	}
	if c.app != nil || c.endpoint != nil || c.explain != nil || c.query != nil || c.response != nil {
		t.Errorf("left: %+v", c)
	}
	if len(c.userIDs) != 0 || c.userIDs[:2][0] != "" || c.userIDs[:2][1] != "" || c.items[:1][0] != (account.Upsert{}) {
		t.Errorf("left: %q, %+v", c.userIDs[:2], c.items[:1])
	}
}

// TestRefusedIDsAreForgotten checks that a batch with an id of another type
// leaves no text of its body in the memory of the call.
func TestRefusedIDsAreForgotten(t *testing.T) {
	c := &call{endpoint: &endpoint{Command: *wire.CommandNamed("multiaccount_import")}, memory: memory{userIDs: make([]account.UserID, 0, 8)}}
	req := new(wire.MultiImportRequest)
	if err := wire.Decode([]byte(`{"Accounts":["a","b",3]}`), req); err != nil {
		t.Fatal(err)
	}
	if err := c.importItems(req); err == nil {
		t.Fatal("a number was accepted as an id")
	}
	for i, id := range c.userIDs[:cap(c.userIDs)] {
		if id != "" {
			t.Errorf("place %d of the memory still contains %q", i, id)
		}
	}
}

func TestUnescape(t *testing.T) {
	var buf []byte
	for _, s := range []string{
		"", "a", "%", "%2", "%zz", "%2a", "%2A", "a%2Ab", "+", "a+b+", "%00%ff", "%%", "%%41", "%4g", "%g4", "100%25", "a%", "ab%4", "*-_", "é%C3%A9",
		"%-1", "%+1", "% 1", "%1 ", "%2B+%20", strings.Repeat("%2A", 300),
	} {
		want, err := url.QueryUnescape(s)
		got, ok := unescape(s, &buf)
		if ok != (err == nil) || got != want {
			t.Errorf("unescape(%q) = %q, %v; want %q, %v", s, got, ok, want, err)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add("a%2Ab+c", "%zz")
	f.Fuzz(func(t *testing.T, a, b string) {
		var buf []byte
		wantA, errA := url.QueryUnescape(a)
		wantB, errB := url.QueryUnescape(b)
		gotA, okA := unescape(a, &buf)
		gotB, okB := unescape(b, &buf) // must not change gotA
		if okA != (errA == nil) || gotA != wantA || okB != (errB == nil) || gotB != wantB {
			t.Errorf("unescape(%q, %q) = %q %v, %q %v; want %q %v, %q %v", a, b, gotA, okA, gotB, okB, wantA, errA, wantB, errB)
		}
	})
}

// TestEndpoint looks up paths that name a command and paths that do not.
func TestEndpoint(t *testing.T) {
	s := newFixture(t).Server
	for path, want := range map[string]bool{
		"/v4/im_open_login_svc/kick": true, "/v4/im_open_login_svc/Kick": false, "/v4/im_open_login_svc/kick/": false,
		"/v4/im_open_login_svc/k%69ck": false, "/v4/im%5Fopen_login_svc/kick": false, "/v4/im_open_login_svc%2Fkick": false, "//v4/im_open_login_svc/kick": false,
		"/v4/im_open_login_svc/%6b%69%63%6b": false, "/v4/im_open_login_svc/kick%00": false,
	} {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.endpoint(&http.Request{URL: u}) != nil; got != want {
			t.Errorf("%s names a command: %v, want %v", path, got, want)
		}
	}
}

func TestSetLength(t *testing.T) {
	for n, want := range map[int]string{0: "0", 59: "59", 255: "255", 256: "256", 12345: "12345"} {
		h := http.Header{}
		if setLength(h, n); h.Get("Content-Length") != want {
			t.Errorf("Content-Length of %d bytes = %q", n, h.Get("Content-Length"))
		}
	}
}
