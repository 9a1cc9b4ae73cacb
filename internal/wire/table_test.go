package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declared returns the value of every constant of codes.go.
func declared(t *testing.T) map[Code]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[Code]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		n64, err := strconv.ParseInt(spec.Values[0].(*ast.BasicLit).Value, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		codes[Code(n64)] = spec.Names[0].Name
		return false
	})
	return codes
}

func TestTableIsTotal(t *testing.T) {
	codes := declared(t)
	delete(codes, OK) // success has no text and no remedy
	for code, name := range codes {
		if Lookup(code).Code != code {
			t.Errorf("%s (%d) has no row", name, code)
		}
	}
	if len(Table) != len(codes) {
		t.Errorf("the table has %d rows for %d codes", len(Table), len(codes))
	}
}

func TestTableIsSorted(t *testing.T) {
	if !slices.IsSortedFunc(Table, func(a, b Row) int { return int(a.Code - b.Code) }) {
		t.Error("rows are not in the order of their codes; Lookup needs it")
	}
	for _, r := range Table {
		if r.Text == "" || r.Advice == "" {
			t.Errorf("row %d has an empty cell: %+v", r.Code, r)
		}
	}
}

// TestRetries checks the column Retry. The documents say which codes to retry.
// Every other error comes back until the request is corrected.
func TestRetries(t *testing.T) {
	documented := map[Retry][]Code{
		RetryYes: {
			10002, 30006, 30007, 30008, 40006, 60008, 60013, 60014, 70169, 70202, 70500,
			90992, 90994, 90995, 91000, 130014,
		},
		RetrySlow: {60007, 60011, 60018, 60019},
		RetrySig:  {70001, 70052},
	}
	for _, r := range Table {
		want := RetryNo
		for retry, codes := range documented {
			if slices.Contains(codes, r.Code) {
				want = retry
			}
		}
		if r.Retry != want {
			t.Errorf("retry of %d = %q, want %q", r.Code, r.Retry, want)
		}
	}
}

func TestInfoAndAdvice(t *testing.T) {
	const detail = "what exactly is wrong"
	for _, test := range []struct {
		name, got, want string
	}{
		{"recorded text never varies", Info(NoAccount, detail), "Err_TLS_PT_Open_Login_Account_Not_Exist"},
		{"detail replaces our own sentence", Info(BadParameter, detail), detail},
		{"a detail that is cut inside of a character", Info(BadParameter, "\xe4\xb8 was found"), "? was found"},
		{"our own sentence without detail", Info(BadParameter, ""), Lookup(BadParameter).Text},
		{"advice is the detail and the remedy", Advice(NoAccount, detail), "What exactly is wrong. Import the account first."},
		{"a parameter keeps its case", Advice(NoSDKAppID, "sdkappid is empty"), "sdkappid is empty. Add sdkappid to the URL."},
		{"a path keeps its case", Advice(60009, "openim/sendmsg sends a message"), "openim/sendmsg sends a message. " + Lookup(60009).Advice},
		{"a command keeps its case", Advice(60009, "kick is a command of im_open_login_svc"), "kick is a command of im_open_login_svc. " + Lookup(60009).Advice},
		{"a name with an underscore keeps its case", Advice(60009, "account_check is a command"), "account_check is a command. " + Lookup(60009).Advice},
		{"a service keeps its case", Advice(60009, "openim, it has no such command"), "openim, it has no such command. " + Lookup(60009).Advice},
		{"a sentence keeps its end", Advice(NoAccount, "Who?"), "Who? Import the account first."},
		{"advice of the row without detail", Advice(NoAccount, ""), "Import the account first."},
		{"unknown code", Info(60022, ""), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

// TestRemedies checks that each remedy is a sentence that may stand in a header
// and, after a detail, in one of bounded length.
func TestRemedies(t *testing.T) {
	for _, r := range Table {
		bad := strings.ContainsFunc(r.Advice, func(c rune) bool { return c < 0x20 || c > 0x7e })
		if bad || len(r.Advice) > 200 || !strings.HasSuffix(r.Advice, ".") || r.Advice[0] < 'A' || r.Advice[0] > 'Z' {
			t.Errorf("remedy of %d: %q", r.Code, r.Advice)
		}
	}
}
