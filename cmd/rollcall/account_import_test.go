package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestReadRows(t *testing.T) {
	account := func(line int, id, nick string) row {
		return row{line: line, account: client.Account{UserID: id, Nick: nick}}
	}
	bad := func(line int, id string) row {
		return row{line: line, account: client.Account{UserID: id}, fault: notUTF8}
	}
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, text string
		want       []row
		err        string
	}{
		{"ids", "alice\nbob", []row{account(1, "alice", ""), account(2, "bob", "")}, ""},
		{"of Windows", "\xef\xbb\xbfalice\r\n\r\nbob b\r\n", []row{account(1, "alice", ""), account(3, "bob b", "")}, ""},
		{"CSV of Windows", "\xef\xbb\xbf\"UserID\",Nick\r\nalice,A\r\n", []row{account(2, "alice", "A")}, ""},
		{"CSV with lines in a field", "userid,nick\nalice,\"A\nB\"\nbob,B\n", []row{account(2, "alice", "A\nB"), account(4, "bob", "B")}, ""},
		{"an id like a header's", "alice\nuserid\n", []row{account(1, "alice", ""), account(2, "userid", "")}, ""},
		{"JSON lines", `{"userid":"alice","nick":"A"}` + "\n" + `{"userid":""}`, []row{account(1, "alice", "A"), account(2, "", "")}, ""},
		{"nothing", "", nil, ""},
		{"a long line", "alice\n" + long + "\nbob", []row{account(1, "alice", "")}, "line 2"},
		{"a column twice", "userid,userid\nalice,bob", nil, "userid"},
		{"a column of another name", "userid,name\nalice,A", nil, "name"},
		{"a list of ids that begin like a header", "userid1\nuserid-2", []row{account(1, "userid1", ""), account(2, "userid-2", "")}, ""},
		{"a header with semicolons", "userid;nick\nalice;A", nil, "with commas between"},
		{"a header with tabs", "\xef\xbb\xbfUserID\tNick\nalice\tA", nil, "with commas between"},
		{"a quoted header with semicolons", "\"userid\";\"nick\"\n\"alice\";\"A\"", nil, "with commas between"},
		{"an id that is not UTF-8", "alice\nb\xfcb\ncarol", []row{account(1, "alice", ""), bad(2, "b\xfcb"), account(3, "carol", "")}, ""},
		{"CSV that is not UTF-8", "userid,nick\nalice,\xc4\nbob,B", []row{{line: 2, account: client.Account{UserID: "alice", Nick: "\xc4"}, fault: notUTF8}, account(3, "bob", "B")}, ""},
		{"JSON that is not UTF-8", `{"userid":"alice","nick":"` + "\xc4" + `"}` + "\n" + `{"userid":"bob"}`, []row{bad(1, ""), account(2, "bob", "")}, ""},
		{"an open quotation mark", "userid\n\"alice\nbob\n", nil, "line 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []row
			var failure error
			for r, err := range readRows(strings.NewReader(tt.text)) {
				if err != nil {
					failure = err
					break
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(row{})); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if (failure == nil) != (tt.err == "") || failure != nil && !strings.Contains(failure.Error(), tt.err) {
				t.Errorf("error %v, want one with %q", failure, tt.err)
			}
		})
	}
}

// users yields n rows and then, if it is not nil, an error.
func users(n int, end error) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for i := range n {
			if !yield(row{line: i + 1, account: client.Account{UserID: fmt.Sprint("user", i+1)}}, nil) {
				return
			}
		}
		if end != nil {
			yield(row{}, end)
		}
	}
}

// odd rejects every id that ends in 1.
func odd(_ context.Context, accounts []client.Account) ([]client.Result, error) {
	results := make([]client.Result, len(accounts))
	for i, a := range accounts {
		results[i].UserID = a.UserID
		if strings.HasSuffix(a.UserID, "1") {
			results[i].Code, results[i].Info = client.CodeQuotaExceeded, "full"
		}
	}
	return results, nil
}

// Rejections come in the order of the lines, however the calls end.
func TestImportOrder(t *testing.T) {
	var inFlight, most atomic.Int32
	first := make(chan struct{})
	im := &importing{inFlight: 4, importAccounts: func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if n := inFlight.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer inFlight.Add(-1)
		if accounts[0].UserID == "user301" {
			close(first) // the first batch ends after the fourth has begun
		} else if accounts[0].UserID == "user1" {
			<-first
		}
		return odd(ctx, accounts)
	}}
	last := 0
	for r, err := range im.rejections(t.Context(), users(1050, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Line <= last {
			t.Errorf("line %d after line %d", r.Line, last)
		}
		last = r.Line
	}
	if last != 1041 || im.failed != 105 || im.done != 945 {
		t.Errorf("last line %d, %d failed, %d done; want 1041, 105, 945", last, im.failed, im.done)
	}
	if most.Load() > 4 {
		t.Errorf("%d calls at once, want at most 4", most.Load())
	}
}

// A call that fails stops the import and tells where to begin again, with the
// code that makes the exit code; so does a file that breaks off.
func TestImportStops(t *testing.T) {
	refused := &client.Error{Command: "multiaccount_import", Code: client.CodeNotAdmin}
	failing := func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if accounts[0].UserID == "user201" {
			return nil, refused
		}
		return odd(ctx, accounts)
	}
	tests := []struct {
		name string
		call func(context.Context, []client.Account) ([]client.Result, error)
		rows iter.Seq2[row, error]
		want string
		done int
	}{
		{"a call", failing, users(1000, nil), "begin again at line 201", 180},
		{"the file", odd, users(150, errors.New("disk on fire")), "disk on fire", 135},
		{"the file at once", odd, users(0, errors.New("disk on fire")), "disk on fire", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			im := &importing{inFlight: 2, importAccounts: tt.call}
			err := im.report(&environment{stdout: &out}, "json", im.rejections(t.Context(), tt.rows))
			if err == nil || !strings.Contains(err.Error(), tt.want) || im.done != tt.done {
				t.Errorf("%v after %d, want %q after %d", err, im.done, tt.want, tt.done)
			}
			if want := fmt.Sprintf(`"imported": %d`, tt.done); !strings.Contains(out.String(), want) {
				t.Errorf("output %q lacks %s", &out, want)
			}
		})
	}
}

// An interrupt ends the import with an error, never as a success.
func TestImportInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	im := &importing{inFlight: 2, importAccounts: func(ctx context.Context, accounts []client.Account) ([]client.Result, error) {
		if accounts[0].UserID == "user301" {
			cancel()
		}
		return odd(ctx, accounts)
	}}
	var failure error
	for _, err := range im.rejections(ctx, users(100_000, nil)) {
		if err != nil {
			failure = err
		}
	}
	if !errors.Is(failure, context.Canceled) {
		t.Errorf("error %v, want the interrupt", failure)
	}
}

// A terminal sees counts while it goes on.
func TestImportProgress(t *testing.T) {
	var out, progress bytes.Buffer
	im := &importing{inFlight: 1, importAccounts: odd, progress: &progress}
	if err := im.report(&environment{stdout: &out}, "table", im.rejections(t.Context(), users(200, nil))); !errors.Is(err, errSomeFailed) {
		t.Errorf("error %v, want that some failed", err)
	}
	if !strings.Contains(progress.String(), "imported 90, failed 10, ") || !strings.HasSuffix(out.String(), "imported 180, failed 20\n") {
		t.Errorf("progress %q, output %q", &progress, &out)
	}
}

// What a user chose to be called does nothing to a terminal.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"Alice 用户":      "Alice 用户",
		"\x1b[31mred\n": `\u001b[31mred\u000a`,
		"a\u202eb\tc":   `a\u202eb\u0009c`,
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

// A token that may not do something is refused with its own exit code.
func TestTokenScope(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	created, err := srv.AdminClient.CreateToken(t.Context(), client.NewToken{Name: "reader", Scopes: []string{client.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(tokenVariable, created.Secret)
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"app", "show"}, exitOK},
		{[]string{"app", "set", "--name", "x"}, exitRefused},
		{[]string{"token", "list"}, exitRefused},
	} {
		var stdout, stderr bytes.Buffer
		args := append(tt.args, "--url", srv.URL, "--sdkappid", fmt.Sprint(srv.SDKAppID))
		if got := run(&environment{t.Context(), strings.NewReader(""), &stdout, &stderr}, args); got != tt.want {
			t.Errorf("%q: exit code %d, want %d\n%s", tt.args, got, tt.want, &stderr)
		}
	}
}
