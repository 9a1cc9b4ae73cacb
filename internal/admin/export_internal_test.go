package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// anyText draws texts with every character, and some that are awkward in JSON.
var anyText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
	"", `"`, `\`, "\x00", "\t\r\n", "\x7f", "\u2028\u2029", "<&>", "中文", "👩‍👩‍👧", "\ufeff", "\ufffd", "\U0010ffff", "a\u202eb",
}), rapid.StringN(0, 40, 400))

// TestAppendRow writes random rows and reads them with the decoder of the standard library.
// Every character is read back as it was.
func TestAppendRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := account.Exported{Account: account.Account{
			ID: "a" + account.UserID(anyText.Draw(t, "id")), InternalID: rapid.Uint64Range(1, 1<<63-1).Draw(t, "internal id"),
			Nick: anyText.Draw(t, "nick"), FaceURL: anyText.Draw(t, "url"), Created: anyTime(t), Updated: anyTime(t),
			Kicked: rapid.Int64Range(account.Unkicked, 1<<32).Draw(t, "kicked"),
			Profile: []account.Field{
				{Tag: account.CustomPrefix + "N", Value: account.Value{IsNumber: true, Number: rapid.Uint64().Draw(t, "number")}},
				{Tag: account.TagLocation, Value: account.Value{Text: anyText.Draw(t, "text")}},
			}[:rapid.IntRange(0, 2).Draw(t, "fields")],
		}}
		details := rapid.Bool().Draw(t, "details")
		want := adminapi.ExportRow{UserID: string(e.ID), Nick: e.Nick, FaceURL: e.FaceURL}
		for _, f := range e.Profile {
			if want.Profile == nil {
				want.Profile = map[string]json.RawMessage{}
			}
			want.Profile[string(f.Tag)] = showValue(f.Value)
		}
		if details {
			want.InternalID, want.CreatedAt, want.UpdatedAt = strconv.FormatUint(e.InternalID, 10), e.Created, e.Updated
			if e.Kicked > 0 {
				want.KickedAt = time.Unix(e.Kicked, 0).UTC()
			}
		}
		checkRow(t, appendRow(nil, &e, details), want)
		gone := account.Exported{Account: account.Account{ID: e.ID, Kicked: e.Kicked}, Deleted: e.Created}
		checkRow(t, appendRow(nil, &gone, details), adminapi.ExportRow{UserID: string(e.ID), DeletedAt: e.Created, KickedAt: want.KickedAt})
	})
}

func anyTime(t *rapid.T) time.Time {
	return time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "time")).UTC()
}

// checkRow checks a line. Its values are texts, so want has valid UTF-8.
func checkRow(t *rapid.T, line []byte, want adminapi.ExportRow) {
	t.Helper()
	if bytes.Count(line, []byte{'\n'}) != 1 || line[len(line)-1] != '\n' || !utf8.Valid(line) {
		t.Fatalf("%q is not one line of UTF-8", line)
	}
	var got adminapi.ExportRow
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	sameJSON := cmp.Comparer(func(a, b json.RawMessage) bool {
		var x, y any
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x == y && (a[0] == '"' || bytes.Equal(a, b))
	})
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), sameJSON); diff != "" {
		t.Fatalf("%q (-want +got):\n%s", line, diff)
	}
}

// TestAppendRowInvalid writes a text that is not UTF-8.
func TestAppendRowInvalid(t *testing.T) {
	e := account.Exported{Account: account.Account{ID: "a", InternalID: 1, Nick: "x\xffy\"\xed\xa0\x80"}}
	const want = "{\"userid\":\"a\",\"nick\":\"x\ufffdy\\\"\ufffd\ufffd\ufffd\",\"face_url\":\"\"}\n"
	if got := string(appendRow(nil, &e, false)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAppendRowAllocs checks that a row costs no allocation.
func TestAppendRowAllocs(t *testing.T) {
	e := account.Exported{Account: account.Account{
		ID: "a", InternalID: 1, Nick: "中文", FaceURL: "https://example.com/a.png", Created: time.UnixMilli(0), Updated: time.UnixMilli(0),
		Profile: []account.Field{{Tag: account.TagLevel, Value: account.Value{IsNumber: true, Number: 7}}},
	}}
	b := make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(100, func() { b = appendRow(b[:0], &e, true) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPreferred(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "identity": "", "gzip": "gzip", "gzip, zstd": "zstd", "br;q=1.0, GZIP;q=0.5": "gzip", "zstd;q=0, gzip": "gzip",
		"zstd; q=0.000": "", "zstd;q=0.1": "zstd", "gzip;q=0.0,*": "", "gzipped": "",
	} {
		if got := preferred([]string{header}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	if got := preferred([]string{"gzip", "zstd"}); got != "zstd" {
		t.Errorf("two headers: %q", got)
	}
}

// A slowWriter is a response whose client reads slowly.
type slowWriter struct {
	header http.Header
	writes atomic.Int64 // under way
	total  atomic.Int64
}

func (w *slowWriter) Header() http.Header              { return w.header }
func (w *slowWriter) WriteHeader(int)                  {}
func (w *slowWriter) SetReadDeadline(time.Time) error  { return nil }
func (w *slowWriter) SetWriteDeadline(time.Time) error { return nil }

func (w *slowWriter) Write(p []byte) (int, error) {
	w.total.Add(1)
	w.writes.Add(1)
	defer w.writes.Add(-1)
	time.Sleep(time.Second)
	return len(p), nil
}

// TestExportSettles lets exports fail while the client reads slowly. Nothing may be written to a
// response whose handler has returned.
func TestExportSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, encoding := range []string{"zstd", "gzip", "identity"} {
			w := &slowWriter{header: http.Header{}}
			x := &exportWriter{call: &call{w: w, r: &http.Request{Header: http.Header{"Accept-Encoding": {encoding}}}}}
			err := x.send(func(yield func(*account.Exported, error) bool) {
				e := account.Exported{Account: account.Account{InternalID: 1}}
				for range 2 * exportChunk / 26 {
					e.ID = account.UserID(rand.Text())
					if !yield(&e, nil) {
						return
					}
				}
				yield(nil, errServerEnds)
			})
			under, total := w.writes.Load(), w.total.Load()
			time.Sleep(time.Minute)
			if err != errServerEnds || total == 0 || under > 0 || w.total.Load() > total {
				t.Errorf("%s: %v after %d writes; %d are under way, and %d came later", encoding, err, total, under, w.total.Load()-total)
			}
		}
	})
}
