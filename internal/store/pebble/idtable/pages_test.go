package idtable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

type named struct {
	Name  string
	Entry Entry
}

// pageTests returns entries for pages of a form. Those for IDs have only an InternalID.
func pageTests(f Form) (es []named) {
	for i := range 3000 {
		e := Entry{InternalID: uint64(i)*7919%3000 + 1}
		if f == Changes && i%3 == 0 {
			e = Entry{Gone: true, Deleted: int64(i) - 50, Kicked: int64(i % 2)}
		}
		if i == 1000 {
			e.InternalID = MaxID
		}
		id := account.UserID(fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%(MaxName-record.MinName-3))))
		es = append(es, named{string(record.AppendName(nil, app+account.AppID(i/2000), id)), e})
	}
	return es
}

func readPages(t *testing.T, p *Pages) (es []named) {
	t.Helper()
	for _, page := range p.full {
		err := EachEntry(p.Form, page, func(name []byte, e Entry) error {
			es = append(es, named{string(name), e})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return es
}

func TestPages(t *testing.T) {
	for _, f := range []Form{IDs, Changes} {
		want := pageTests(f)
		p := &Pages{Form: f}
		for _, e := range want {
			p.Add([]byte(e.Name), e.Entry)
		}
		p.End()
		if diff := cmp.Diff(want, readPages(t, p), cmp.AllowUnexported(Entry{})); diff != "" {
			t.Errorf("form %d (-want +got):\n%s", f, diff)
		}
		if n := p.Size(); n.Entries != int64(len(want)) || n.Pages != int64(len(p.full)) || n.Pages < 2 {
			t.Errorf("size = %+v", n)
		}
	}
}

// FuzzPage reads arbitrary bytes as a page. The entries of a valid page must be the same
// after they are written and read again.
func FuzzPage(f *testing.F) {
	for _, kind := range []Form{IDs, Changes} {
		p := &Pages{Form: kind}
		for _, e := range pageTests(kind)[:20] {
			p.Add([]byte(e.Name), e.Entry)
		}
		p.End()
		f.Add(kind == IDs, p.full[0])
	}
	f.Fuzz(func(t *testing.T, ofIDs bool, page []byte) {
		p := &Pages{Form: Changes}
		if ofIDs {
			p.Form = IDs
		}
		var want []named
		err := EachEntry(p.Form, page, func(name []byte, e Entry) error {
			want = append(want, named{string(name), e})
			p.Add(name, e)
			return nil
		})
		if err != nil {
			return
		}
		p.End()
		if diff := cmp.Diff(want, readPages(t, p), cmp.AllowUnexported(Entry{})); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}

func TestStale(t *testing.T) {
	for _, tt := range []struct {
		size         Size
		ids, changed int64
		want         bool
	}{
		{Size{Pages: 1 << 12, Entries: 1 << 20}, 0, 0, false},
		{Size{Pages: 1<<12 + 1}, 0, 0, true},
		{Size{Entries: 1<<20 + 1}, 0, 0, true},
		{Size{Pages: 20_000, Entries: 20_000_000}, 10_000_000, 0, false},
		{Size{Pages: 20_000, Entries: 22_000_000}, 10_000_000, 0, true},
		{Size{Pages: 90_000, Entries: 10_000_000}, 10_000_000, 0, true},
		{Size{Entries: 10_000_000, Changes: 3_500_000}, 10_000_000, 0, false},
		{Size{Entries: 10_000_000, Changes: 3_600_000}, 10_000_000, 0, true},
		{Size{Entries: 10_000_000, Changes: 10_000_000}, 10_000_000, 7_000_000, false},
	} {
		if got := tt.size.Stale(tt.ids, tt.changed); got != tt.want {
			t.Errorf("%+v for %d ids and %d changes: stale = %v", tt.size, tt.ids, tt.changed, got)
		}
	}
}
