package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// awkwardTexts contains texts with characters that a format could lose.
var awkwardTexts = []string{
	"", "n", " ", " a ", `"`, `a"b,c;d`, `\`, `\u0041`, "\t", "\r", "\n", "\r\n", "a\r\nb", "=1+1", "@x", "-1", "'", "\x01", "\x7f",
	"\u0085", "\u2028\u2029", "\u202e", "\ufeff", "\ufffd", "中文", "👩‍👩‍👧", "\U0010ffff", "null", "0012", "1.38E+10", strings.Repeat("é", 250),
}

// TestExportAgain exports an app, imports the export into an empty app, and exports that.
// Both exports are the same, with every text and tag.
func TestExportAgain(t *testing.T) {
	settings := client.Settings{CustomTags: []client.CustomTag{{Key: "team"}, {Key: "score", Number: true}}}
	a := rollcalltest.NewServer(t, rollcalltest.WithSettings(settings))
	b := a.NewApp(t, rollcalltest.WithSettings(settings))
	ctx, rnd := t.Context(), rand.New(rand.NewPCG(1, 2))
	text := func() string { return awkwardTexts[rnd.IntN(len(awkwardTexts))] }
	var accounts []client.Account
	for i := range 300 {
		accounts = append(accounts, client.Account{UserID: fmt.Sprintf("u %d/%c", i, '!'+i%90), Nick: text(), FaceURL: text()})
	}
	if _, err := a.Client.ImportAll(ctx, accounts); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(accounts); i += 3 {
		err := a.Client.SetProfile(ctx, accounts[i].UserID, client.Text("Tag_Profile_Custom_team", text()), client.Number("Tag_Profile_Custom_score", rnd.Uint64()),
			client.Text(client.TagSelfSignature, text()), client.Number(client.TagLevel, uint64(rnd.Uint32())), client.Text(client.TagGender, "Gender_Type_Female"))
		if err != nil {
			t.Fatal(err)
		}
	}
	want := exportOf(t, a)
	if rows := strings.Count(want, "\n"); rows != 301 || !strings.Contains(want, "Tag_Profile_Custom_score") {
		t.Fatalf("%d rows:\n%s", rows, want)
	}
	result, err := b.AdminClient.ImportStream(ctx, b.SDKAppID, "again", 1, strings.NewReader(want))
	if err != nil || result.Failed != 0 || result.Imported != 301 {
		t.Fatalf("%+v, %v", result, err)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(exportOf(t, b), "\n")); diff != "" {
		t.Errorf("(-first +second export):\n%s", diff)
	}
	compareSides(t, a, b)
}

func exportOf(t *testing.T, s *rollcalltest.Server) string {
	t.Helper()
	x, err := s.AdminClient.Export(t.Context(), s.SDKAppID, client.ExportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	text, err := io.ReadAll(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compareSides compares the apps of two servers, and each with a table of the other.
func compareSides(t *testing.T, a, b *rollcalltest.Server) {
	t.Helper()
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	writeFile(t, token, a.AdminToken)
	app := func(s *rollcalltest.Server) string { return fmt.Sprint(s.SDKAppID) }
	table := filepath.Join(dir, "a.csv")
	for _, args := range [][]string{
		{"export", table, "--from", a.URL, "--app", app(a)},
		{"diff", a.URL, b.URL, "--app-a", app(a), "--app-b", app(b)},
		{"diff", table, b.URL, "--app-b", app(b)},
		{"diff", b.URL, table, "--app-a", app(b)},
	} {
		var stdout, stderr bytes.Buffer
		env := &environment{strings.NewReader(""), &stdout, &stderr}
		if code := run(t.Context(), env, append(args, "--admin-token-file", token, "--quiet")); code != exitOK {
			t.Errorf("%q: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
	}
}

// TestExportConcurrent exports during random changes. Each export has every account that
// exists throughout, and what a look-up says of those that do not change.
func TestExportConcurrent(t *testing.T) {
	s := rollcalltest.NewServer(t)
	ctx := t.Context()
	var fixed []client.Account
	for i := range 500 {
		fixed = append(fixed, client.Account{UserID: fmt.Sprintf("fixed-%03d", i), Nick: awkwardTexts[i%len(awkwardTexts)]})
	}
	if _, err := s.Client.ImportAll(ctx, fixed); err != nil {
		t.Fatal(err)
	}
	quiet := exportOf(t, s)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 2 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("moving-%03d", rnd.IntN(200))
				if err := s.Client.ImportAccount(ctx, client.Account{UserID: id, Nick: fmt.Sprint(rnd.Uint32())}); err != nil {
					t.Error(err)
					return
				}
				if rnd.IntN(3) == 0 {
					if _, err := s.Client.DeleteAccounts(ctx, []string{id}); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 20 {
		var kept strings.Builder
		for line := range strings.Lines(exportOf(t, s)) {
			if !strings.HasPrefix(line, `{"userid":"moving-`) {
				kept.WriteString(line)
			}
		}
		if diff := cmp.Diff(quiet, kept.String()); diff != "" {
			t.Fatalf("(-before +meanwhile):\n%s", diff)
		}
	}
	close(stop)
	wg.Wait()
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
