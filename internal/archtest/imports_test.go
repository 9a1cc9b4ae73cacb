package archtest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module is the path of the module, with a slash.
const module = "rollcall/"

// anything stands for every package except programs, conformance and testHelpers.
const anything = "*"

// testHelpers contains packages for tests, which programs must not import.
var testHelpers = []string{
	"internal/account/storetest",
	"internal/archtest",
	"internal/testutil",
	"internal/testutil/anystore",
	"internal/testutil/faultfs",
	"internal/testutil/pgtest",
	"rollcalltest",
}

// imports contains a rule for each package: the packages of the module that it may
// import. A name that ends in "/..." stands for all packages below. A package without a
// rule is a problem, and so is a rule without a package. A rule that changes the layout
// needs a reason in docs/decisions. The tables of the READMEs must agree with the rules
// (see TestReadmes).
//
// The rules do not apply to test files.
var imports = map[string][]string{
	"cmd/...":         {anything},
	"conformance/...": {anything, "internal/testutil", "rollcalltest"},

	// Public.
	"usersig":      {},
	"client":       {"usersig", "internal/adminapi", "internal/account", "internal/linkwire", "internal/region", "internal/wire"},
	"webhook":      {},
	"rollcalltest": {"internal/server", "internal/config", "internal/account", "client", "usersig"},

	// The path of a request.
	"internal/server":     {anything},
	"internal/api":        {"internal/account", "internal/directory", "internal/session", "internal/wire", "internal/httpx", "internal/auth", "internal/gate", "usersig", "internal/ratelimit", "internal/calls", "internal/faults", "internal/figures"},
	"internal/gate":       {"internal/account", "internal/auth", "internal/directory", "internal/region", "internal/wire", "usersig"},
	"internal/link":       {"internal/account", "internal/auth", "internal/directory", "internal/gate", "internal/httpx", "internal/linkwire", "internal/session", "internal/wire", "usersig"},
	"internal/linkwire":   {},
	"internal/auth":       {"internal/account", "internal/directory", "usersig"},
	"internal/admin":      {"internal/adminapi", "internal/account", "internal/wire", "internal/directory", "internal/session", "internal/httpx", "internal/backup", "internal/durable", "internal/spelling", "usersig", "internal/calls", "internal/faults", "internal/ratelimit", "internal/bulk", "internal/dryrun", "internal/records", "internal/figures", "internal/webhooks"},
	"internal/figures":    {"internal/account", "internal/adminapi", "internal/httpx", "internal/records", "internal/session", "internal/wire"},
	"internal/bulk":       {"internal/account", "internal/adminapi", "internal/directory", "internal/dryrun", "internal/durable", "internal/records", "internal/source"},
	"internal/webhooks":   {"internal/account", "internal/adminapi", "internal/directory", "internal/records", "webhook"},
	"internal/adminapi":   {"internal/account", "internal/calls", "internal/faults"}, // the settings of apps, the calls and faults of test apps
	"internal/openapi":    {"internal/adminapi", "internal/account", "internal/admin", "internal/wire", "internal/faults", "internal/figures"},
	"internal/reference":  {"docs", "internal/console/asset", "internal/console/text"},
	"docs":                {},
	"internal/wire":       {"internal/spelling"},
	"internal/directory":  {"internal/account", "internal/records", "internal/session"},
	"internal/session":    {"internal/account", "internal/records"},
	"internal/records":    {"internal/account", "internal/seal"},
	"internal/seed":       {"internal/account", "internal/directory", "internal/records", "internal/session", "internal/spelling"},
	"internal/seal":       {"internal/account", "internal/durable", "internal/private"},
	"internal/backup":     {"internal/durable"},
	"internal/repository": {"internal/account", "internal/backup", "internal/durable"},
	"internal/backups":    {"internal/account", "internal/adminapi", "internal/backup", "internal/config", "internal/durable", "internal/repository"},
	"internal/account":    {"usersig", "internal/region"}, // the code that verifies with a key also checks it
	"internal/region":     {},

	// The console.
	"internal/console":         {"internal/account", "internal/admin", "internal/adminapi", "internal/console/...", "internal/directory", "internal/exporter", "internal/faults", "internal/figures", "internal/httpx", "internal/region", "docs", "internal/wire"},
	"internal/console/asset":   {},
	"internal/console/chart":   {},
	"internal/console/curl":    {"internal/admin", "internal/console/snippet"},
	"internal/console/link":    {},
	"internal/console/snippet": {},
	"internal/console/text":    {},
	"internal/console/view":    {"internal/account", "internal/admin", "internal/adminapi", "internal/console/...", "internal/calls", "internal/wire"},

	// Engines and their wrappers.
	"internal/store/mem":            {"internal/account"},
	"internal/store/pebble":         {"internal/account", "internal/store/digest", "internal/store/pebble/..."},
	"internal/store/pebble/record":  {"internal/account"},
	"internal/store/pebble/guard":   {"internal/account"},
	"internal/store/pebble/idtable": {"internal/account", "internal/store/pebble/record"},
	"internal/store/pebble/journal": {"internal/account", "internal/store/pebble/record"},
	"internal/store/pebble/catalog": {"internal/account", "internal/store/pebble/record"},
	"internal/store/postgres":       {"internal/account"},
	"internal/store/digest":         {"internal/account", "internal/store/pebble/record"}, // a digest is that of the embedded engine's form
	"internal/store/checked":        {"internal/account"},
	"internal/store/metered":        {"internal/account"},
	"internal/store/open":           {"internal/account", "internal/backup", "internal/records", "internal/seal", "internal/store/..."},
	"internal/account/storetest":    {"internal/account", "internal/store/checked", "internal/store/mem"}, // mem is the reference

	// Tools around the service.
	"internal/intercept":  {"internal/region", "internal/durable", "internal/httpx"},
	"internal/loadgen":    {"client", "internal/wire"},
	"internal/diff":       {"client", "internal/account", "internal/exporter", "internal/source"},
	"internal/exporter":   {"internal/durable"},
	"internal/importer":   {"client", "internal/account", "internal/durable", "internal/progress", "internal/source"},
	"internal/source":     {"internal/account"},
	"internal/dryrun":     {"internal/account", "internal/progress", "internal/source"},
	"internal/copying":    {"internal/account", "internal/records", "internal/seal", "internal/store/digest"},
	"internal/completion": {},
	"internal/manual":     {},
	"internal/progress":   {},
	"internal/recording":  {"client", "internal/pseudonym", "internal/region", "internal/wire", "usersig"},
	"internal/pseudonym":  {},
	"internal/listening":  {"webhook"},

	// Tests of programs that call the service.
	"internal/calls":  {},
	"internal/faults": {},

	// Plumbing.
	"internal/metrics":           {"internal/account", "internal/httpx", "internal/wire"},
	"internal/tracing":           {"internal/account", "internal/httpx"},
	"internal/ratelimit":         {},
	"internal/httpx":             {},
	"internal/config":            {"internal/spelling"},
	"internal/logbuf":            {},
	"internal/durable":           {},
	"internal/private":           {},
	"internal/spelling":          {},
	"internal/supervisor":        {},
	"internal/testutil":          {},
	"internal/testutil/anystore": {"internal/account", "internal/config", "internal/store/open", "internal/testutil/pgtest"},
	"internal/testutil/faultfs":  {},
	"internal/testutil/pgtest":   {"internal/testutil"},
	"internal/archtest":          {},
	"internal/upgrade":           {},

	// Shared by several nodes.
	"internal/ratelimit/redislimit": {"internal/ratelimit"},
}

// checkImports reports imports that no rule allows, and packages without a rule.
func checkImports(t *tree) []string {
	var problems []string
	for _, p := range t.sorted() {
		allowed, ok := ruleFor(p.dir)
		if !ok {
			problems = append(problems, p.dir+" has no rule in internal/archtest")
			continue
		}
		for _, f := range p.files {
			for _, spec := range f.Imports {
				name, ours := ourPackage(spec.Path.Value)
				if ours && !allows(allowed, name) {
					problems = append(problems, fmt.Sprintf("%s: %s may not import %s", f.path, p.dir, name))
				}
			}
		}
	}
	return problems
}

// ruleFor returns the rule of the package in dir.
func ruleFor(dir string) ([]string, bool) {
	name, ok := ruleName(dir)
	return imports[name], ok
}

// ruleName returns the name of the rule of the package in dir. Without a rule of its own,
// that is the rule that ends in "/..." of dir or the nearest directory above it.
func ruleName(dir string) (string, bool) {
	if _, ok := imports[dir]; ok {
		return dir, true
	}
	for above := dir; above != "."; above = path.Dir(above) {
		if _, ok := imports[above+"/..."]; ok {
			return above + "/...", true
		}
	}
	return "", false
}

// checkRules reports rules without a package.
func checkRules(t *tree) []string {
	used := map[string]bool{}
	for dir := range t.pkgs {
		name, _ := ruleName(dir)
		used[name] = true
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if !used[name] {
			problems = append(problems, "the rule of "+name+" is for no package; remove it")
		}
	}
	return problems
}

// ourPackage returns the directory of a quoted import path of our module.
func ourPackage(quoted string) (dir string, ours bool) {
	p, err := strconv.Unquote(quoted)
	if err != nil {
		panic(err) // the parser accepted it
	}
	return strings.CutPrefix(p, module)
}

// allows reports whether a rule allows the package name.
func allows(rule []string, name string) bool {
	return slices.ContainsFunc(rule, func(allowed string) bool {
		prefix, below := strings.CutSuffix(allowed, "...")
		switch {
		case allowed == anything:
			return !slices.Contains(testHelpers, name) &&
				!strings.HasPrefix(name, "cmd/") && !strings.HasPrefix(name+"/", "conformance/")
		case below:
			return strings.HasPrefix(name, prefix)
		default:
			return allowed == name
		}
	})
}

func TestCheckImports(t *testing.T) {
	source := func(imports ...string) string {
		var src strings.Builder
		src.WriteString("package p\n")
		for _, imp := range imports {
			fmt.Fprintf(&src, "import %q\n", imp)
		}
		return src.String()
	}
	got := checkImports(parse(t, map[string]string{
		"internal/account/a.go":           source("errors", "rollcall/internal/wire"),
		"internal/account/a_test.go":      source("rollcall/internal/store/mem"),
		"internal/directory/d.go":         source("rollcall/internal/account", "rollcalling/x"),
		"internal/store/open/o.go":        source("rollcall/internal/store/mem", "rollcall/internal/storefront"),
		"internal/store/mem/m.go":         source("rollcall/internal/store/open"),
		"internal/server/s.go":            source("rollcall/internal/api", "rollcall/internal/testutil", "rollcall/cmd/x"),
		"cmd/rollcall/main.go":            source("rollcall/internal/server", "rollcall/rollcalltest"),
		"cmd/other/main.go":               source("rollcall/conformance"),
		"conformance/clients/npm/npm.go":  source("rollcall/rollcalltest", "rollcall/internal/archtest"),
		"internal/unheard/of.go":          source(),
		"internal/store/pebble/keys/k.go": source(),
	}))
	want := []string{
		"cmd/other/main.go: cmd/other may not import conformance",
		"cmd/rollcall/main.go: cmd/rollcall may not import rollcalltest",
		"conformance/clients/npm/npm.go: conformance/clients/npm may not import internal/archtest",
		"internal/account/a.go: internal/account may not import internal/wire",
		"internal/server/s.go: internal/server may not import internal/testutil",
		"internal/server/s.go: internal/server may not import cmd/x",
		"internal/store/mem/m.go: internal/store/mem may not import internal/store/open",
		"internal/store/open/o.go: internal/store/open may not import internal/storefront",
		"internal/store/pebble/keys has no rule in internal/archtest",
		"internal/unheard has no rule in internal/archtest",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCheckRules(t *testing.T) {
	files := map[string]string{}
	for name := range imports {
		files[strings.TrimSuffix(name, "/...")+"/a.go"] = "package p"
	}
	if got := checkRules(parse(t, files)); len(got) > 0 {
		t.Errorf("problems %q, want none", got)
	}
	delete(files, "internal/wire/a.go")
	delete(files, "cmd/a.go")
	got := checkRules(parse(t, files))
	want := []string{"the rule of cmd/... is for no package; remove it", "the rule of internal/wire is for no package; remove it"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestImportRules finds misspelt names: every package that a rule allows must have a rule.
func TestImportRules(t *testing.T) {
	for dir, rule := range imports {
		for _, name := range append(slices.Clone(rule), testHelpers...) {
			if name == anything || strings.HasSuffix(name, "/...") {
				continue
			}
			if _, ok := ruleFor(name); !ok {
				t.Errorf("the rule of %s names %s, which has none", dir, name)
			}
		}
	}
}
