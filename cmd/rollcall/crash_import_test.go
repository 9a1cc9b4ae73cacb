package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
)

const crashRows = 20_000

// A crashImport is an import that is killed again and again, and what it must have become
// after each row.
type crashImport struct {
	rows     []string
	rejected []int64
	nicks    map[string][]nickAt
}

// A nickAt is the nick of an account from a row on.
type nickAt struct {
	row  int
	nick string
}

// newCrashImport returns rows of several kinds: new accounts, changed ones, some with tags,
// and rows that are rejected.
func newCrashImport() *crashImport {
	c := &crashImport{nicks: map[string][]nickAt{}}
	for i := range crashRows {
		row, id := i+1, fmt.Sprintf("u%05d", i)
		if i%13 == 12 {
			id = fmt.Sprintf("u%05d", i-1)
		}
		tags := ""
		switch {
		case i%10 == 5:
			c.rows = append(c.rows, `{"userid":"@reserved"}`)
			c.rejected = append(c.rejected, int64(row))
			continue
		case i > crashRows/2 && i%1000 == 1:
			tags = `,"profile":{"Tag_Profile_IM_Level":7}`
		}
		nick := fmt.Sprintf("nick %d", row)
		c.rows = append(c.rows, fmt.Sprintf(`{"userid":%q,"nick":%q%s}`, id, nick, tags))
		c.nicks[id] = append(c.nicks[id], nickAt{row, nick})
	}
	return c
}

// body returns the rows from a row on.
func (c *crashImport) body(from int64) string { return strings.Join(c.rows[from-1:], "\n") }

// check compares the accounts with those after a row. Later rows may be there, too: tags
// come in a second commit, and the progress with them.
func (c *crashImport) check(t *testing.T, s *site, row int64, exact bool) {
	t.Helper()
	shown := map[string]string{}
	for a, err := range s.admin.Accounts(t.Context(), s.context.SDKAppID, client.AccountQuery{PageSize: client.MaxPage}) {
		if err != nil {
			t.Fatal(err)
		}
		shown[a.UserID] = a.Nick
	}
	wrong := 0
	for id, nicks := range c.nicks {
		want, later := "", map[string]bool{}
		for _, n := range nicks {
			if n.row <= int(row) {
				want = n.nick
			} else {
				later[n.nick] = true
			}
		}
		got, ok := shown[id]
		if wants := want != ""; wants && got != want && (exact || !later[got]) || exact && ok != wants {
			wrong++
		}
	}
	if wrong > 0 {
		t.Fatalf("%d accounts are wrong after row %d", wrong, row)
	}
}

// site returns a running server.
func (c *crashImport) site(t *testing.T, dir string) *site {
	t.Helper()
	return newSite(t, startProcess(t, dir), nil)
}

// finish checks the end of the import.
func (c *crashImport) finish(t *testing.T, s *site, i *client.Import) {
	t.Helper()
	want := []any{client.ImportDone, int64(crashRows), int64(crashRows - len(c.rejected)), int64(len(c.nicks)), int64(len(c.rejected))}
	if diff := cmp.Diff(want, []any{i.State, i.Row, i.Imported, i.Created, i.Failed}); diff != "" {
		t.Errorf("import (-want +got):\n%s", diff)
	}
	c.check(t, s, crashRows, true)
	var rejected []int64
	for r, err := range s.admin.ImportRejected(t.Context(), s.context.SDKAppID, i.Key, 0) {
		if err != nil {
			t.Fatal(err)
		}
		rejected = append(rejected, r.Row)
	}
	if diff := cmp.Diff(c.rejected, rejected); diff != "" {
		t.Errorf("rejected rows (-want +got):\n%s", diff)
	}
}

// TestKillStream kills the server while it imports a stream. Every row up to the stored one
// is applied, and the client goes on from there.
func TestKillStream(t *testing.T) {
	c, dir := newCrashImport(), t.TempDir()
	s := c.site(t, dir)
	next := int64(1)
	for range *crashRounds {
		body := c.body(next)
		killer := &killingReader{r: strings.NewReader(body), left: rand.IntN(len(body)), kill: func() { _ = s.Process.Kill() }}
		if i, err := s.admin.ImportStream(t.Context(), s.context.SDKAppID, "crash", next, killer); err == nil {
			t.Fatalf("%+v of a server that was killed", i)
		}
		_ = s.Wait()
		s = c.site(t, dir)
		i, err := s.admin.Import(t.Context(), s.context.SDKAppID, "crash")
		if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound && next == 1 {
			continue // it was killed before the import began
		}
		if err != nil {
			t.Fatal(err)
		}
		if i.Row < next-1 {
			t.Fatalf("row %d is durable, and row %d was", i.Row, next-1)
		}
		c.check(t, s, i.Row, false)
		next = i.Row + 1
	}
	i, err := s.admin.ImportStream(t.Context(), s.context.SDKAppID, "crash", next, strings.NewReader(c.body(next)))
	if err != nil {
		t.Fatal(err)
	}
	c.finish(t, s, i)
}

// A killingReader calls kill before a byte of r. What follows may be read all the same.
type killingReader struct {
	r    io.Reader
	left int
	kill func()
}

func (k *killingReader) Read(p []byte) (int, error) {
	n, err := k.r.Read(p[:min(len(p), 4096)])
	if k.left -= n; k.left < 0 && k.kill != nil {
		k.kill()
		k.kill = nil
	}
	return n, err
}

// TestKillJob kills the server while it works on a job, which goes on by itself.
func TestKillJob(t *testing.T) {
	c, dir := newCrashImport(), t.TempDir()
	s := c.site(t, dir)
	upload := client.NewImport{Key: "crash", File: "accounts.ndjson", Format: "ndjson"}
	if _, err := s.admin.UploadImport(t.Context(), s.context.SDKAppID, upload, strings.NewReader(c.body(1))); err != nil {
		t.Fatal(err)
	}
	row := int64(0)
	get := func() *client.Import {
		t.Helper()
		i, err := s.admin.Import(t.Context(), s.context.SDKAppID, "crash")
		if err != nil || i.State == client.ImportFailed {
			t.Fatal(i, err)
		}
		return i
	}
	for range *crashRounds {
		least := row + rand.Int64N(crashRows-row+1)
		eventually(t, "progress", func() bool { return get().Row >= least })
		_ = s.Process.Kill()
		_ = s.Wait()
		s = c.site(t, dir)
		i := get()
		if i.Row < row {
			t.Fatalf("row %d is durable, and row %d was", i.Row, row)
		}
		row = i.Row
		c.check(t, s, row, false)
	}
	eventually(t, "end", func() bool { return get().State == client.ImportDone })
	c.finish(t, s, get())
}
