package snippet_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"rollcall/client"
	"rollcall/internal/console/snippet"
	"rollcall/internal/wire"
	"rollcall/rollcalltest"
)

// bodies are bodies that are hard to write down, with the codes that they have.
var bodies = []struct {
	text string
	code int
}{
	{`{"UserID":"alice","Nick":"it's <b> & \"so\""}`, 0},
	{"{\"UserID\": \"a`b\", \"Nick\": \"\u202eevil\u2066 😀\"}\r\n", 0},
	{`{"UserID":"x","UserID":"y"}`, 60003},
	{`{"UserID":12345678901234567890,"__proto__":{}}`, 60015},
	{"{ not JSON $HOME `id` \\n \x01", 60003},
}

// callOf returns a call with a body.
func callOf(srv *rollcalltest.Server, body string, code int) snippet.Call {
	return snippet.Call{srv.URL, wire.CommandNamed("account_import").Path(), "account_import", srv.SDKAppID, "administrator", body, code}
}

// TestCurl makes each call with a shell and compares what arrives.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	srv := rollcalltest.NewServer(t)
	sig, err := srv.AdminClient.SignUser(t.Context(), srv.SDKAppID, client.NewUserSig{})
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range bodies {
		c := callOf(srv, body.text, body.code)
		line := strings.Replace(c.Curl(), "$(rollcall sig make)", sig.UserSig, 1)
		if out, err := exec.CommandContext(t.Context(), "bash", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%s\n%v %s", line, err, out)
		}
		if made := srv.Calls("")[i]; made.Request == nil || made.Request.Text != body.text || made.Code != body.code {
			t.Errorf("%s\n%+v", line, made)
		}
	}
	other := callOf(srv, "{}", 0)
	other.Identifier = "it's&admin"
	if got := other.Curl(); !strings.Contains(got, `--identifier 'it'\''s&admin'`) || !strings.Contains(got, "identifier=it%27s%26admin&") {
		t.Error(got)
	}
}

func TestShell(t *testing.T) {
	for _, text := range []string{"", "a", "it's", "\x01\xff\u202e\\n\n'😀", "$HOME `id` !x"} {
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf %s "+snippet.Shell(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q arrives as %q: %v", text, out, err)
		}
		if strings.ContainsFunc(snippet.Shell(text), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q hides something", snippet.Shell(text))
		}
	}
}

// TestNode runs each test in JavaScript against a server.
func TestNode(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip(err)
	}
	srv := rollcalltest.NewServer(t)
	for i, body := range bodies {
		c := callOf(srv, body.text, body.code)
		if out, err := runNode(t, srv, c.Node()); err != nil {
			t.Errorf("%v\n%s\n%s", err, c.Node(), out)
		}
		if made := srv.Calls(""); len(made) != i+1 || made[i].Code != body.code {
			t.Fatalf("%s\n%+v", c.Node(), made)
		}
	}
	wrong := callOf(srv, bodies[0].text, 1)
	if out, err := runNode(t, srv, wrong.Node()); err == nil {
		t.Errorf("a test that expects another code passes:\n%s", out)
	}
}

func runNode(t *testing.T, srv *rollcalltest.Server, program string) (string, error) {
	file := filepath.Join(t.TempDir(), "call.test.mjs")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", file)
	cmd.Env = append(os.Environ(), "ROLLCALL_KEY="+srv.Key, "ROLLCALL_URL="+srv.URL)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestGo runs the tests in Go, of which the last one fails.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a program")
	}
	dir, files := t.TempDir(), []string{"test", "-v"}
	srv := &rollcalltest.Server{SDKAppID: 1}
	for i, body := range append(bodies, bodies[0]) {
		c := callOf(srv, body.text, body.code)
		if i == len(bodies) {
			c.Code = 1
		}
		file := filepath.Join(dir, fmt.Sprintf("call%d_test.go", i))
		program := strings.Replace(c.Go(), "func TestAccountImport(", fmt.Sprintf("func Test%d(", i), 1)
		if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	cmd := exec.CommandContext(t.Context(), "go", files...)
	cmd.Dir = "../../.."
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Count(string(out), "--- PASS") != len(bodies) || !strings.Contains(string(out), "code 0, want 1") {
		t.Errorf("%v\n%s", err, out)
	}
}
