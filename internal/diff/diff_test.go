package diff

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/client"
	"rollcall/internal/source"
)

// list returns rows without errors, and then err if it is not nil.
func list(err error, rows ...*Row) Rows {
	return func(yield func(*Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func row(id, nick, url string, tags ...Tag) *Row {
	return &Row{[]byte(id), []byte(nick), []byte(url), tags}
}

func text(name, value string) Tag   { return Tag{name, value, false} }
func number(name, value string) Tag { return Tag{name, value, true} }

var errTest = errors.New("broken")

func TestMerge(t *testing.T) {
	a := []*Row{row("a", "", ""), row("b", "x", "u"), row("c", "n", "", number("L", "1"), text("T", "t")), row("e", "", "", text("T", "1"))}
	b := []*Row{row("b", "y", "v"), row("c", "n", "", number("L", "2"), text("U", "u")), row("d", "", ""), row("e", "", "", number("T", "1"))}
	changes := []Difference{
		{Kind: OnlyA, UserID: "a"},
		{Kind: Changed, UserID: "b", Fields: []Field{{"nick", "x", "y"}, {"face_url", "u", "v"}}},
		{Kind: Changed, UserID: "c", Fields: []Field{{"L", "1", "2"}, {"T", "t", ""}, {"U", "", "u"}}},
		{Kind: OnlyB, UserID: "d"},
		{Kind: Changed, UserID: "e", Fields: []Field{{"T", `"1"`, "1"}}},
	}
	for name, tt := range map[string]struct {
		fields Fields
		want   []Difference
		counts Counts
	}{
		"all":  {All, changes, Counts{4, 4, 1, 1, 3, 0}},
		"none": {Fields{}, []Difference{changes[0], changes[3]}, Counts{4, 4, 1, 1, 0, 3}},
		"nick": {Fields{Nick: true}, []Difference{changes[0], {Kind: Changed, UserID: "b", Fields: []Field{{"nick", "x", "y"}}}, changes[3]}, Counts{4, 4, 1, 1, 1, 2}},
	} {
		got, c, err := differences(tt.fields, func(c *Comparison) error { return c.Merge(list(nil, a...), list(nil, b...)) })
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || c != tt.counts {
			t.Errorf("%s: %v, %+v (-want +got):\n%s", name, err, c, diff)
		}
	}
	for _, sides := range [][2]Rows{{list(errTest), list(nil, b...)}, {list(nil, a...), list(errTest, b...)}, {list(errTest, a...), list(nil)}} {
		if _, _, err := differences(All, func(c *Comparison) error { return c.Merge(sides[0], sides[1]) }); err != errTest {
			t.Errorf("%v, want the error of a side", err)
		}
	}
	c := Comparison{Each: func(*Difference) error { return errTest }}
	if err := c.Merge(list(nil, a...), list(nil)); err != errTest {
		t.Errorf("%v, want the error of Each", err)
	}
}

func differences(f Fields, compare func(*Comparison) error) (all []Difference, _ Counts, err error) {
	c := &Comparison{Fields: f, Each: func(d *Difference) error {
		all = append(all, *d)
		return nil
	}}
	err = compare(c)
	return all, c.Counts, err
}

func TestExport(t *testing.T) {
	const lines = `{"userid":"a","nick":"\n","face_url":"u","profile":{"L":7,"T":"x"}}
{"userid":"b","deleted_at":"2026-01-01T00:00:00.000Z"}
{"userid":"c","nick":"","face_url":""}
`
	var got []*Row
	for r, err := range Export(strings.NewReader(lines)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.clone())
	}
	if diff := cmp.Diff([]*Row{row("a", "\n", "u", number("L", "7"), text("T", "x")), row("c", "", "")}, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, wrong := range []string{"{\"userid\":\"b\"}\n{\"userid\":\"a\"}\n", "{\"userid\":\"a\"}\n{\"userid\":\"a\"}\n", "x\n"} {
		var err error
		for _, err = range Export(strings.NewReader(wrong)) {
		}
		if err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}

// sources returns rows as a file has them.
func sources(rows []*source.Row) iter.Seq2[*source.Row, error] {
	return func(yield func(*source.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// TestSort sorts random rows with runs of every size, and combines those of one id as a map
// does.
func TestSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"", "x", "yy", "中文\n"})
		var rows []*source.Row
		want := map[string]*Row{}
		for range rapid.IntRange(0, 400).Draw(t, "rows") {
			r := &source.Row{UserID: []byte(rapid.StringMatching("[ab]{1,3}").Draw(t, "id")), Nick: []byte(value.Draw(t, "nick")), FaceURL: []byte(value.Draw(t, "url"))}
			if rapid.Bool().Draw(t, "tag") {
				r.Tags = []source.Tag{
					{Name: "T" + rapid.SampledFrom([]string{"b", "a"}).Draw(t, "name"), Text: []byte("v" + value.Draw(t, "text"))},
					{Name: "N", Number: rapid.Uint64().Draw(t, "number"), IsNumber: true},
				}
			}
			rows = append(rows, r)
			w := want[string(r.UserID)]
			if w == nil {
				w = &Row{ID: r.UserID}
				want[string(r.UserID)] = w
			}
			if len(r.Nick) > 0 {
				w.Nick = r.Nick
			}
			if len(r.FaceURL) > 0 {
				w.FaceURL = r.FaceURL
			}
			for _, tag := range r.Tags {
				x := Tag{tag.Name, string(tag.Text), tag.IsNumber}
				if tag.IsNumber {
					x.Value = fmt.Sprint(tag.Number)
				}
				w.Tags = slices.DeleteFunc(w.Tags, func(t Tag) bool { return t.Name == x.Name })
				w.Tags = append(w.Tags, x)
				slices.SortFunc(w.Tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
			}
		}
		f, err := sortRows(sources(rows), rapid.SampledFrom([]int{10, 30, 100, 1000, 1 << 20}).Draw(t, "run"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it can be read again
			var got []*Row
			for r, err := range f.Sorted() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.clone())
			}
			ids := make(map[string]bool)
			for id := range want {
				ids[id] = true
			}
			var sorted []*Row
			for _, id := range sortedKeys(ids) {
				sorted = append(sorted, want[id])
			}
			if diff := cmp.Diff(sorted, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSortFields(t *testing.T) {
	file := &source.File{Name: "f.csv"}
	f, err := Sort(sources([]*source.Row{
		{File: file, Line: 2, UserID: []byte("a"), Nick: []byte{}},
		{File: file, Line: 3, Fault: "it is empty"},
		{File: file, Line: 5, UserID: []byte{}, Nick: []byte{}},
		{File: file, Line: 4, UserID: []byte("b"), Tags: []source.Tag{{Name: "T", Text: []byte("x")}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if f.Fields != (Fields{Nick: true, Profile: true}) || f.Rows != 2 || f.Faulty != 2 || !slices.Equal(f.Tags, []string{"T"}) {
		t.Errorf("%+v", f)
	}
	if !slices.Equal(f.Faults, []string{"f.csv: line 3: it is empty", "f.csv: line 5: the UserID is empty; give 1 to 32 bytes"}) {
		t.Errorf("%q", f.Faults)
	}
	failing := func(yield func(*source.Row, error) bool) { yield(nil, errTest) }
	if _, err := Sort(failing); !errors.Is(err, errTest) {
		t.Errorf("%v, want the error of the file", err)
	}
}

// A service is an API with a few accounts.
type service struct {
	rows   map[string]*client.Profile
	broken bool
	check  func(ids []string) []client.CheckResult // if not nil, answers
	mu     sync.Mutex
	tags   []string // of the last call
}

func (s *service) CheckAccounts(_ context.Context, ids []string) (rs []client.CheckResult, err error) {
	if s.broken {
		return nil, errTest
	}
	if s.check != nil {
		return s.check(ids), nil
	}
	for _, id := range ids {
		rs = append(rs, client.CheckResult{UserID: id, Imported: s.rows[id] != nil})
	}
	return rs, nil
}

func (s *service) GetProfile(_ context.Context, ids []string, tags ...string) (ps []client.Profile, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags = tags
	for _, id := range ids {
		ps = append(ps, *s.rows[id])
	}
	return ps, nil
}

func TestAsk(t *testing.T) {
	s := &service{rows: map[string]*client.Profile{
		"u005": {UserID: "u005", Fields: []client.Field{client.Text(client.TagNick, "n"), client.Number(client.TagLevel, 7), client.Text(client.TagLocation, "")}},
		"u250": {UserID: "u250", Fields: []client.Field{client.Text(client.TagImage, "i")}},
		"u251": {UserID: "u251", Code: 40003},
		"only": {UserID: "only"},
	}}
	var rows []*Row
	for i := range 252 {
		rows = append(rows, row(fmt.Sprintf("u%03d", i), "", ""))
	}
	rows[5] = row("u005", "n", "", number(client.TagLevel, "7"))
	for _, swap := range []bool{false, true} {
		got, counts, err := differences(All, func(c *Comparison) error {
			return c.Ask(t.Context(), list(nil, rows...), Asking{API: s, Tags: []string{"T"}, InFlight: 4, Swap: swap})
		})
		want := Counts{A: 252, B: 2, OnlyA: 250, Changed: 1, Equal: 1}
		only, field := OnlyA, Field{"face_url", "", "i"}
		if swap {
			want = Counts{A: 2, B: 252, OnlyB: 250, Changed: 1, Equal: 1}
			only, field = OnlyB, Field{"face_url", "i", ""}
		}
		if err != nil || counts != want || len(got) != 251 || got[0].Kind != only || !slices.Equal(got[249].Fields, []Field{field}) {
			t.Errorf("swap %v: %+v, %v, %+v", swap, counts, err, got[249])
		}
	}
	if !slices.Contains(s.tags, "T") || !slices.Contains(s.tags, client.TagLevel) {
		t.Errorf("asked for %q", s.tags)
	}
	if _, _, err := differences(All, func(c *Comparison) error {
		return c.Ask(t.Context(), list(errTest, rows...), Asking{API: s, InFlight: 1})
	}); err != errTest {
		t.Errorf("%v, want the error of the rows", err)
	}
	for name, broken := range map[string]*service{
		"check":   {check: func(ids []string) []client.CheckResult { return []client.CheckResult{{UserID: ids[0], Code: 60021}} }},
		"less":    {check: func([]string) []client.CheckResult { return nil }},
		"profile": {rows: map[string]*client.Profile{"u000": {UserID: "u000", Code: 40006}}},
	} {
		if _, counts, err := differences(All, func(c *Comparison) error {
			return c.Ask(t.Context(), list(nil, rows[0]), Asking{API: broken, InFlight: 1})
		}); err == nil {
			t.Errorf("%s: an id without an answer counts: %+v", name, counts)
		}
	}
	bad := &service{check: func(ids []string) []client.CheckResult {
		return []client.CheckResult{{UserID: ids[0], Code: client.CodeBadParameter}}
	}}
	if _, counts, err := differences(All, func(c *Comparison) error {
		return c.Ask(t.Context(), list(nil, rows[0]), Asking{API: bad, InFlight: 1})
	}); err != nil || counts.OnlyA != 1 {
		t.Errorf("an id that no account can have: %+v, %v", counts, err)
	}
	s.broken = true
	if _, _, err := differences(All, func(c *Comparison) error {
		return c.Ask(t.Context(), list(nil, rows...), Asking{API: s, InFlight: 1})
	}); err != errTest {
		t.Errorf("%v, want the error of the API", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := differences(All, func(c *Comparison) error {
		return c.Ask(ended, list(nil, rows...), Asking{API: &service{}, InFlight: 1})
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that of the context", err)
	}
}

// TestPacer takes 91 turns at 90 a second from several callers.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := newPacer(90), time.Now()
		done := make(chan error)
		for range 7 {
			go func() {
				for range 13 {
					if err := p.wait(t.Context()); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 7 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start).Round(10 * time.Millisecond); took != time.Second {
			t.Errorf("91 calls took %v, want a second", took)
		}
	})
}
