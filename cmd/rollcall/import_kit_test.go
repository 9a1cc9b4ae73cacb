package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// rudeWord is a word that the app of an import does not allow.
const rudeWord = "rudeword"

// An importLoad is a file of accounts with bad rows of every kind, and what its import must lead to.
type importLoad struct {
	dir, file string
	rows      int
	accounts  map[string]string // nicks
	rejected  []int             // lines
}

// newImportLoad writes a file. One row in a hundred is bad. Many ids repeat.
func newImportLoad(t *testing.T, rng *rand.Rand, rows int) *importLoad {
	t.Helper()
	l := &importLoad{dir: t.TempDir(), rows: rows, accounts: map[string]string{}}
	l.file = filepath.Join(l.dir, "users.csv")
	f, err := os.Create(l.file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "userid,nick")
	for i := range rows {
		id, nick := fmt.Sprintf("user-%d", rng.IntN(rows)), fmt.Sprintf("nick %d", i)
		line := id + "," + nick
		bad := true
		switch rng.IntN(800) {
		case 0:
			line = "@" + line
		case 1:
			line = "," + nick
		case 2:
			line = strings.Repeat("x", 33) + "," + nick
		case 3:
			line = id + "," + strings.Repeat("n", 501)
		case 4:
			line = id + ",a " + rudeWord
		case 5:
			line = line + ",more"
		case 6:
			line = id + `,a "quote`
		case 7:
			line = "\xff" + line
		default:
			bad = false
		}
		fmt.Fprintln(w, line)
		if bad {
			l.rejected = append(l.rejected, i+2)
		} else {
			l.accounts[id] = nick
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

// command returns the import of l into srv as another process.
func (l *importLoad) command(t *testing.T, srv *rollcalltest.Server, args ...string) *exec.Cmd {
	t.Helper()
	return rollcallCommand(t, l.dir, srv, append([]string{"import", "users.csv"}, args...)...)
}

// rollcallCommand returns a command in dir as another process, with the credentials of srv.
func rollcallCommand(t *testing.T, dir string, srv *rollcalltest.Server, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1", keyVariable+"="+srv.Key, tokenVariable+"="+srv.AdminToken,
		"ROLLCALL_URL="+srv.URL, "ROLLCALL_SDKAPPID="+strconv.Itoa(int(srv.SDKAppID)))
	return cmd
}

// check compares the accounts of srv and the rejects file with what the rows one by one lead
// to, and the result of the last run, as JSON, with the counts.
func (l *importLoad) check(t *testing.T, srv *rollcalltest.Server, result []byte) {
	t.Helper()
	var r runReport
	if err := json.Unmarshal(result, &r); err != nil {
		t.Fatalf("%s: %v", result, err)
	}
	want := int64(l.rows - len(l.rejected))
	if r.State != "complete" || r.Rows != int64(l.rows) || r.Rejected != int64(len(l.rejected)) || *r.Imported != want {
		t.Errorf("%d rows, %d imported, %d rejected, %s; want %d, %d, %d", r.Rows, *r.Imported, r.Rejected, r.State, l.rows, want, len(l.rejected))
	}
	if r.Created != nil && *r.Created != int64(len(l.accounts)) {
		t.Errorf("%d new accounts, want %d", *r.Created, len(l.accounts))
	}
	got := map[string]string{}
	x, err := srv.AdminClient.Export(t.Context(), srv.SDKAppID, client.ExportQuery{}) // the pages of a million take minutes
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for dec := json.NewDecoder(x); ; {
		var a client.ExportRow
		if err := dec.Decode(&a); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if a.UserID != srv.Admin {
			got[a.UserID] = a.Nick
		}
	}
	if !maps.Equal(l.accounts, got) { // cmp takes minutes for a million
		t.Errorf("accounts (-want +got):\n%.2000s", cmp.Diff(l.accounts, got))
	}
	if len(r.RejectsFiles) != 1 {
		t.Fatalf("rejects files %q", r.RejectsFiles)
	}
	if lines := rejectedLines(t, filepath.Join(l.dir, r.RejectsFiles[0])); !slices.Equal(lines, l.rejected) {
		t.Errorf("lines of the rejects file (-want +got):\n%s", cmp.Diff(l.rejected, lines))
	}
}

// rejectedLines returns the lines that a rejects file names, in its order.
func rejectedLines(t *testing.T, file string) (lines []int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		if i == 0 {
			if string(line) != "\ufeffuserid,nick,rollcall_line,rollcall_reason" {
				t.Errorf("the rejects file begins with %q", line)
			}
			continue
		}
		r := csv.NewReader(bytes.NewReader(line))
		r.LazyQuotes = true
		cells, err := r.Read()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		n, err := strconv.Atoi(cells[len(cells)-2])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, n)
	}
	return lines
}
