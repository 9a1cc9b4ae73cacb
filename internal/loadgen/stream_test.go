package loadgen

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// streamRow is a line of a stream.
type streamRow struct {
	UserID  string `json:"userid"`
	Nick    string `json:"nick"`
	FaceURL string `json:"face_url"`
}

// TestStreamIn decodes all lines of a stream. They are the accounts of its salt and version.
func TestStreamIn(t *testing.T) {
	const rows = 2*streamLines + 3
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/admin/v1/apps/7/accounts:import?from=1" || r.Header.Get("Idempotency-Key") != "k" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		n := int64(0)
		for lines := bufio.NewScanner(r.Body); lines.Scan(); n++ {
			a := Describe(3, 4, n)
			want := streamRow{string(a.ID[:]), string(a.Nick[:]), FaceURLPrefix + string(a.FaceURL[:])}
			var row streamRow
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row != want {
				t.Errorf("row %d is %s, %v; want %+v", n, lines.Bytes(), err, want)
				break
			}
		}
		fmt.Fprintf(w, `{"state":"done","row":%d,"imported":%d,"created":%d,"failed":0}`, n, n, n)
	})
	res, err := StreamIn(t.Context(), Stream{URL: url, Token: "secret", SDKAppID: 7, Rows: rows, Key: "k", Salt: 3, Version: 4})
	if err != nil {
		t.Fatal(err)
	}
	if res.Accounts != rows || res.Calls != rows/100 || res.Sent != rows*int64(len(streamForm)) || res.Elapsed <= 0 || res.AccountsPerSecond() <= 0 {
		t.Errorf("%+v", res)
	}
}

// TestStreamInRefused refuses a stream before its end, or imports only a part of it.
func TestStreamInRefused(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
	}{
		{409, `{"detail":"another stream"}`},
		{200, `{"row":500,"created":499,"failed":1}`},
		{200, `{"row":499,"created":499,"failed":0}`},
		{200, `no JSON`},
	} {
		url := start(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		})
		_, err := StreamIn(t.Context(), Stream{URL: url, Rows: 500, Key: "k"})
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(tt.body)) {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
}

// TestStreamBody reads a body in pieces of any size.
func TestStreamBody(t *testing.T) {
	if err := iotest.TestReader(newStreamBody(Stream{Rows: 30}), wholeBody(t, 30)); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(newStreamBody(Stream{})); len(b) != 0 || err != nil {
		t.Errorf("a body without rows: %q, %v", b, err)
	}
}

func wholeBody(t *testing.T, rows int64) []byte {
	b, err := io.ReadAll(newStreamBody(Stream{Rows: rows}))
	if err != nil || strings.Count(string(b), "\n") != int(rows) {
		t.Fatalf("%q, %v", b, err)
	}
	return b
}

// TestStreamOut counts the rows of an export, whose number the server must confirm.
func TestStreamOut(t *testing.T) {
	for told, good := range map[string]bool{"3": true, "4": false, "": false} {
		url := start(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RequestURI() != "/admin/v1/apps/7/accounts:export" {
				t.Errorf("%s", r.URL)
			}
			w.Header().Set("Trailer", "Rollcall-Rows")
			fmt.Fprint(w, "{}\n{}\n{}\n")
			w.Header().Set("Rollcall-Rows", told)
		})
		res, err := StreamOut(t.Context(), Stream{URL: url, SDKAppID: 7})
		if (err == nil) != good || good && (res.Accounts != 3 || res.Received != 9) {
			t.Errorf("a server that tells of %q rows: %+v, %v", told, res, err)
		}
	}
}

// BenchmarkStreamBody writes rows. The load that they are for is a million rows a second.
func BenchmarkStreamBody(b *testing.B) {
	n, _ := io.Copy(io.Discard, io.Reader(newStreamBody(Stream{Rows: int64(b.N)})))
	b.SetBytes(n / int64(b.N))
}
