package importer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// A front is a server in front of a Rollcall. It can look like the service of the vendor,
// and cut connections before and behind a call.
type front struct {
	URL    string
	vendor bool
	cuts   atomic.Uint64 // share of calls that are cut, in thousandths
	down   atomic.Bool
	full   atomic.Bool // takes some rows of the first stream and then no more, as with a full disk
	begun  atomic.Bool // the first stream
	busy   atomic.Bool // refuses streams, and answers everything else
	calls  atomic.Int64
	most   atomic.Int64 // calls at once
	now    atomic.Int64
}

func newFront(t *testing.T, srv *rollcalltest.Server, vendor bool) *front {
	t.Helper()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }} // without headers of a proxy
	f := &front{vendor: vendor}
	proxy.ModifyResponse = func(r *http.Response) error {
		if vendor {
			for name := range r.Header {
				if strings.HasPrefix(name, "Rollcall-") {
					r.Header.Del(name)
				}
			}
		}
		return nil
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls.Add(1)
		n := f.now.Add(1)
		defer f.now.Add(-1)
		for old := f.most.Load(); n > old && !f.most.CompareAndSwap(old, n); old = f.most.Load() {
		}
		cut := rand.Uint64N(1000) < f.cuts.Load()
		switch {
		case f.down.Load() || cut && rand.IntN(2) == 0:
			panic(http.ErrAbortHandler)
		case f.full.Load() && strings.HasSuffix(r.URL.Path, "accounts:import"):
			if !f.begun.Swap(true) {
				r.Body = &cutBody{r.Body, 20 << 10}
				proxy.ServeHTTP(httptest.NewRecorder(), r)
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"detail":"the disk is full"}`)
		case f.busy.Load() && strings.HasSuffix(r.URL.Path, "accounts:import"):
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case vendor && strings.HasPrefix(r.URL.Path, "/admin"):
			http.NotFound(w, r)
		case cut && r.ContentLength < 0:
			r.Body = &cutBody{r.Body, rand.IntN(200 << 10)}
			proxy.ServeHTTP(w, r)
		case cut:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	f.URL = s.URL
	return f
}

// A cutBody breaks off after some bytes.
type cutBody struct {
	io.ReadCloser
	left int
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// streamOf returns a target for a job by stream.
func streamOf(t *testing.T, srv *rollcalltest.Server, url string) *Stream {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	c, err := client.NewAdmin(client.AdminOptions{BaseURL: url, Token: srv.AdminToken, HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	return &Stream{Client: c}
}

// wireOf returns a target for a job.
func wireOf(t *testing.T, srv *rollcalltest.Server, url string, inFlight int) *Wire {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	c, err := client.New(client.Options{BaseURL: url, SDKAppID: srv.SDKAppID, Key: srv.Key, HTTPClient: &http.Client{Transport: tr}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return &Wire{Client: c, InFlight: inFlight}
}

// left returns the function that asks srv for the rest of its quota.
func left(srv *rollcalltest.Server, quota int64) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		n, err := srv.AdminClient.CountAccounts(ctx, srv.SDKAppID)
		return max(quota-n, 0), err
	}
}

// A line is a row of a test file.
type line struct {
	id, nick string
	bad      bool
}

// lines returns n random lines of ids from a pool, so that many repeat.
func lines(rng *rand.Rand, n, pool int) []line {
	all := make([]line, n)
	for i := range all {
		all[i] = line{id: fmt.Sprintf("user-%d", rng.IntN(pool)), nick: fmt.Sprintf("n%d", i)}
		switch rng.IntN(40) {
		case 0:
			all[i].id, all[i].bad = "界"+all[i].id, true
		case 1:
			all[i].nick, all[i].bad = strings.Repeat("x", 501), true
		case 2:
			all[i].nick = ""
		}
	}
	return all
}

// table returns lines as CSV.
func table(all []line) []byte {
	var b bytes.Buffer
	b.WriteString("userid,nick\n")
	for _, l := range all {
		fmt.Fprintf(&b, "%s,%s\n", l.id, l.nick)
	}
	return b.Bytes()
}

// sequential returns the accounts after the lines, one by one, and the numbers of rejected
// rows. Quota is the number of accounts that may be created; -1 for any.
func sequential(all []line, quota int) (accounts map[string]string, rejected []int64) {
	accounts = map[string]string{}
	for i, l := range all {
		_, there := accounts[l.id]
		if l.bad || !there && quota >= 0 && len(accounts) == quota {
			rejected = append(rejected, int64(i+1))
			continue
		}
		if l.nick != "" || !there {
			accounts[l.id] = l.nick
		}
	}
	return accounts, rejected
}

// accountsOf returns the accounts of the server without its admins.
func accountsOf(t *testing.T, srv *rollcalltest.Server) map[string]string {
	t.Helper()
	accounts := map[string]string{}
	for a, err := range srv.AdminClient.Accounts(t.Context(), srv.SDKAppID, client.AccountQuery{PageSize: client.MaxPage}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.UserID != srv.Admin {
			accounts[a.UserID] = a.Nick
		}
	}
	return accounts
}

// write writes a file in a new directory and returns its name.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// jobOf returns a job that imports file into srv by wire.
func jobOf(srv *rollcalltest.Server, w *Wire, file string) *Job {
	return &Job{
		Operation: Import, Target: srv.URL, App: srv.SDKAppID, Files: []string{file}, Journal: JournalFor(Import, []string{file}),
		Way: ByWire, Wire: w, Wait: time.Minute, settle: 50 * time.Millisecond, first: time.Millisecond,
	}
}

// rejectedOf returns the numbers of the rejected rows that the journal covers.
func rejectedOf(t *testing.T, journal string) (rows []int64) {
	t.Helper()
	d, err := readDocument(journal)
	if err != nil {
		t.Fatal(err)
	}
	for n, err := range rejectedRows(journal, d.RejectedRows) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, n)
	}
	return rows
}

// rejectsOf returns the ids and lines of a rejects file of CSV.
func rejectsOf(t *testing.T, file string) (lines []int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "\n")
	for l := range strings.Lines(rest) {
		var n int
		parts := strings.SplitN(l, ",", 4)
		if _, err := fmt.Sscan(parts[2], &n); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		lines = append(lines, n)
	}
	return lines
}
