package loadgen

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const stock = 1000 // accounts that exist in these tests

// newScript returns a script of a workload.
func newScript(t *testing.T, workload string) *batchScript {
	t.Helper()
	w, ok := Find(workload)
	if !ok {
		t.Fatalf("no workload %s", workload)
	}
	o := &Options{Accounts: stock, Salt: 7, Verify: true}
	return newBatchScript(o, &w, "example.test", Credentials{SDKAppID: 1400000001, Admin: "administrator", UserSig: "s+g"}.query())
}

// parse parses a request as a server does and returns it with its accounts.
func parse(t *testing.T, raw []byte) (*http.Request, []Account) {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	type item struct{ UserID, Nick, FaceUrl string }
	var all struct {
		item
		AccountList, CheckItem, DeleteItem []item
		To_Account                         []string
	}
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	items := append(append(all.AccountList, all.CheckItem...), all.DeleteItem...)
	if all.UserID != "" {
		items = append(items, all.item)
	}
	for _, id := range all.To_Account {
		items = append(items, item{UserID: id})
	}
	var accounts []Account
	for _, it := range items {
		var a Account
		if copy(a.ID[:], it.UserID) != IDLength || len(it.UserID) != IDLength {
			t.Fatalf("UserID %q has not %d bytes", it.UserID, IDLength)
		}
		copy(a.Nick[:], it.Nick)
		copy(a.FaceURL[:], strings.TrimPrefix(it.FaceUrl, FaceURLPrefix))
		accounts = append(accounts, a)
	}
	return req, accounts
}

func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		workload, path string
		batch, stored  int  // accounts in a call, and how many of ten calls exist
		values         bool // Nick and FaceUrl are sent
	}{
		{ImportNew, "/v4/im_open_login_svc/multiaccount_import", 100, 0, true},
		{ImportExisting, "/v4/im_open_login_svc/multiaccount_import", 100, 1000, true},
		{ImportUnchanged, "/v4/im_open_login_svc/multiaccount_import", 100, 1000, true},
		{ImportOne, "/v4/im_open_login_svc/account_import", 1, 0, true},
		{Check, "/v4/im_open_login_svc/account_check", 100, 500, false},
		{CheckOne, "/v4/im_open_login_svc/account_check", 1, 5, false},
		{Delete, "/v4/im_open_login_svc/account_delete", 100, 1000, false},
		{PortraitGet, "/v4/profile/portrait_get", 100, 1000, false},
	} {
		t.Run(tt.workload, func(t *testing.T) {
			existing := map[[IDLength]byte]bool{}
			for n := range int64(stock) {
				existing[Describe(7, 0, n).ID] = true
			}
			s, seen, stored := newScript(t, tt.workload), map[[IDLength]byte]bool{}, 0
			for c := range int64(10) {
				req, accounts := parse(t, s.request(c))
				if req.URL.Path != tt.path || req.URL.Query().Get("usersig") != "s+g" || req.Host != "example.test" {
					t.Fatalf("request of %s to %s", req.URL, req.Host)
				}
				if len(accounts) != tt.batch {
					t.Fatalf("%d accounts in a call, want %d", len(accounts), tt.batch)
				}
				for _, a := range accounts {
					if seen[a.ID] {
						t.Fatalf("%s comes twice", a.ID)
					}
					seen[a.ID] = true
					if existing[a.ID] {
						stored++
					}
					if (a.Nick[0] != 0) != tt.values || (a.FaceURL[0] != 0) != tt.values {
						t.Fatalf("Nick %q and FaceUrl %q", a.Nick, a.FaceURL)
					}
				}
			}
			if stored != tt.stored {
				t.Errorf("%d of %d ids exist, want %d", stored, len(seen), tt.stored)
			}
		})
	}
}

// TestAccountSize checks that an account is about 84 bytes of JSON, including
// the comma.
func TestAccountSize(t *testing.T) {
	if got := len(importForm.item) + 1; got != 84 {
		t.Errorf("an account has %d bytes", got)
	}
}

// TestValues checks that imports of existing accounts have other values in each
// pass, and that those of unchanged accounts have the first values.
func TestValues(t *testing.T) {
	values := func(workload string, c int64) map[[IDLength]byte]Account {
		_, accounts := parse(t, newScript(t, workload).request(c))
		byID := map[[IDLength]byte]Account{}
		for _, a := range accounts {
			byID[a.ID] = a
		}
		return byID
	}
	const pass = stock / 100
	first, second, unchanged := values(ImportExisting, 0), values(ImportExisting, pass), values(ImportUnchanged, pass)
	originals := map[[IDLength]byte]Account{}
	for n := range int64(stock) {
		a := Describe(7, 0, n)
		originals[a.ID] = a
	}
	for id, a := range first {
		b := second[id]
		if b == (Account{}) {
			t.Fatalf("%s is not in the second pass", id)
		}
		original := originals[id]
		if a.Nick == b.Nick || a.FaceURL == b.FaceURL || a.Nick == original.Nick || a.FaceURL == original.FaceURL {
			t.Errorf("%s: values do not change: %q %q %q", id, original.Nick, a.Nick, b.Nick)
		}
		if unchanged[id] != original {
			t.Errorf("%s: unchanged is %+v, was %+v", id, unchanged[id], original)
		}
	}
}

func TestHexDigits(t *testing.T) {
	for _, x := range []uint32{0, 1, 9, 10, 15, 16, 0x12345678, 0x9abcdef0, 0xffffffff} {
		var got [8]byte
		putHex(got[:], uint64(x))
		slices.Reverse(got[:])
		if want := fmt.Sprintf("%08x", x); string(got[:]) != want {
			t.Errorf("digits %s, want %s", got, want)
		}
	}
}

// TestScatter checks that a pass visits every number once, for any count.
func TestScatter(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 100, 1000, 1001, 65536} {
		s, seen := newScatter(n), map[uint64]bool{}
		for i := range uint64(2 * n) {
			number, pass := s.at(i)
			if pass != i/uint64(n) || number >= uint64(n) {
				t.Fatalf("position %d of %d: number %d in pass %d", i, n, number, pass)
			}
			if pass == 0 {
				seen[number] = true
			}
		}
		if len(seen) != int(n) {
			t.Errorf("a pass over %d visits %d numbers", n, len(seen))
		}
	}
}

func TestJudge(t *testing.T) {
	hits := func(n int) string {
		return `{"ActionStatus":"OK","ErrorCode":0,"ResultItem":[` + strings.Repeat(`{"AccountStatus":"Imported"},`, n) + `{}]}`
	}
	for name, tt := range map[string]struct {
		workload string
		status   int
		body     string
		want     string // in the error; "" for none
	}{
		"success":           {ImportNew, 200, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`, ""},
		"code at the end":   {PortraitGet, 200, strings.Repeat(`"ResultCode":0`, 100) + `"ErrorCode": 0}`, ""},
		"an error":          {ImportNew, 200, `{"ActionStatus":"FAIL","ErrorCode":70402,"ErrorInfo":"x"}`, "70402"},
		"a code like zero":  {ImportNew, 200, `{"ErrorCode":01}`, "01"},
		"no code":           {ImportNew, 200, `{"ActionStatus":"OK"}`, "OK"},
		"cut off":           {ImportNew, 200, `{"ErrorCode":0`, "ErrorCode"},
		"other status":      {ImportNew, 503, `{"ErrorCode":0}`, "503"},
		"refused accounts":  {ImportNew, 200, `{"ErrorCode":0,"FailAccounts":["a"]}`, "refused"},
		"half of a check":   {Check, 200, hits(50), ""},
		"too few of it":     {Check, 200, hits(49), "49 times, not 50"},
		"too many of it":    {Check, 200, hits(51), "51 times"},
		"long, so cut":      {ImportNew, 200, strings.Repeat("x", 10_000), "…"},
		"not all of delete": {Delete, 200, `{"ErrorCode":0,"ResultItem":[{"ResultCode":0}]}`, "1 times, not 100"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, tt.workload)
			n, err := s.check(0, tt.status, []byte(tt.body))
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if err == nil && n != 100 {
				t.Errorf("%d accounts", n)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// TestAllocations checks that a call does not allocate.
func TestAllocations(t *testing.T) {
	s := newScript(t, ImportExisting)
	body := []byte(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`)
	raw := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	in := bytes.NewReader(raw)
	reader := responseReader{in, make([]byte, 16<<10)}
	c := int64(0)
	got := testing.AllocsPerRun(100, func() {
		s.request(c)
		in.Reset(raw)
		a, err := reader.read()
		if err == nil {
			_, err = s.check(c, a.status, a.body)
		}
		if err != nil {
			t.Fatal(err)
		}
		c++
	})
	if got > 0 {
		t.Errorf("%v allocations per call", got)
	}
}

func TestListScript(t *testing.T) {
	s := newListScript(&Options{Credentials: Credentials{SDKAppID: 9}, AdminToken: "rct_x"}, "example.test", 0)
	for i, step := range []struct {
		uri, response string
		accounts      int64
	}{
		{"/admin/v1/apps/9/accounts?limit=100&prefix=00&cursor=", `{"accounts":[{"userid":"00a"},{"userid":"00b"}],"next_cursor":"c+1"}`, 2},
		{"/admin/v1/apps/9/accounts?limit=100&prefix=00&cursor=c%2B1", `{"accounts":[{"userid":"00c"}],"next_cursor":""}`, 1},
		{"/admin/v1/apps/9/accounts?limit=100&prefix=01&cursor=", `{"accounts":[],"next_cursor":""}`, 0},
	} {
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(s.request(int64(i)))))
		if err != nil {
			t.Fatal(err)
		}
		if req.RequestURI != step.uri || req.Header.Get("Authorization") != "Bearer rct_x" {
			t.Fatalf("page %d: %s with %v", i, req.RequestURI, req.Header)
		}
		if n, err := s.check(int64(i), 200, []byte(step.response)); err != nil || n != step.accounts {
			t.Fatalf("page %d: %d accounts, %v", i, n, err)
		}
	}
	if _, err := s.check(3, 403, []byte(`{"next_cursor":""}`)); err == nil {
		t.Error("a refusal passes for a page")
	}
}
