package bulk_test

import (
	"bytes"
	"io"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/store/mem"
)

// FuzzStream sends any body, cut anywhere, and then the whole body again. Each line has one
// verdict.
func FuzzStream(f *testing.F) {
	f.Add([]byte("{\"userid\":\"alice\"}\n\n{\"userid\":\"bob\",\"profile\":{\"Tag_Profile_IM_Level\":1}}\n"), uint(20), uint(3))
	f.Add([]byte("{\"userid\":\"a\"}\r\nnonsense\n{\"userid\":\"\xff\"}"), uint(17), uint(1))
	f.Fuzz(func(t *testing.T, body []byte, at, rows uint) {
		b := newBench(t, func() account.Engine { return new(mem.Store) })
		b.bulk.SetChunkRows(int(1 + rows%10))
		before := bytes.Clone(body)
		_, err := b.stream(1, io.MultiReader(bytes.NewReader(body[:at%uint(len(body)+1)]), broken{}))
		if account.CodeOf(err) != account.Malformed {
			t.Errorf("a cut body: %v", err)
		}
		cut := b.imp()
		if cut.State != adminapi.ImportOpen || cut.Row > int64(bytes.Count(body[:at%uint(len(body)+1)], []byte("\n"))) {
			t.Errorf("%+v after a cut at byte %d", cut, at)
		}
		i, err := b.stream(1, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		lines, empty := int64(0), int64(0)
		for line := range bytes.Lines(body) {
			lines++
			if len(bytes.TrimSpace(line)) == 0 {
				empty++
			}
		}
		if i.State != adminapi.ImportDone || i.Row != lines || i.Imported+i.Failed != lines-empty || i.Skipped != empty || int64(len(b.rejected(7))) != i.Failed {
			t.Errorf("%+v for %d lines, %d of them empty", i, lines, empty)
		}
		if !bytes.Equal(body, before) {
			t.Error("the body was changed")
		}
	})
}

// broken is a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errCut }
