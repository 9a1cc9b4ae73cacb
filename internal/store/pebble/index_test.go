package pebble

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
	Entry entry
}

// indexTests are entries of both spaces; those of i/ have an InternalID alone.
func indexTests(space byte) (es []named) {
	for i := range 3000 {
		e := entry{internalID: uint64(i)*7919%3000 + 1}
		if space == changeSpace && i%3 == 0 {
			e = entry{gone: true, deleted: int64(i) - 50, kicked: int64(i % 2)}
		}
		if i == 1000 {
			e.internalID = maxID
		}
		id := account.UserID(fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%(maxName-record.MinName-3))))
		es = append(es, named{string(record.AppendName(nil, app+account.AppID(i/2000), id)), e})
	}
	return es
}

func readPages(t *testing.T, p *pages) (es []named) {
	t.Helper()
	for _, page := range p.full {
		must(t, eachEntry(p.space, page, func(name []byte, e entry) error {
			es = append(es, named{string(name), e})
			return nil
		}))
	}
	return es
}

func TestPages(t *testing.T) {
	for _, space := range []byte{idSpace, changeSpace} {
		want := indexTests(space)
		p := &pages{space: space}
		for _, e := range want {
			p.add([]byte(e.Name), e.Entry)
		}
		p.end()
		if diff := cmp.Diff(want, readPages(t, p), cmp.AllowUnexported(entry{})); diff != "" {
			t.Errorf("%c (-want +got):\n%s", space, diff)
		}
		if n := p.size(); n.entries != int64(len(want)) || n.pages != int64(len(p.full)) || n.pages < 2 {
			t.Errorf("size = %+v", n)
		}
	}
}

// FuzzPage reads what may be a page. What is read can be written and read again.
func FuzzPage(f *testing.F) {
	for _, space := range []byte{idSpace, changeSpace} {
		p := &pages{space: space}
		for _, e := range indexTests(space)[:20] {
			p.add([]byte(e.Name), e.Entry)
		}
		p.end()
		f.Add(space == idSpace, p.full[0])
	}
	f.Fuzz(func(t *testing.T, ids bool, page []byte) {
		p := &pages{space: changeSpace}
		if ids {
			p.space = idSpace
		}
		var want []named
		err := eachEntry(p.space, page, func(name []byte, e entry) error {
			want = append(want, named{string(name), e})
			p.add(name, e)
			return nil
		})
		if err != nil {
			return
		}
		p.end()
		if diff := cmp.Diff(want, readPages(t, p), cmp.AllowUnexported(entry{})); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}
