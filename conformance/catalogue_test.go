package conformance

import (
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/wire"
)

// An entry is a field or code of the vendor's protocol, and how Rollcall treats it.
type entry struct {
	command   string // or "gate" for fields and codes of all commands
	kind      string // query, request, answer (a field of the response) or code
	name      string // a field of an item has its path
	treatment string // sent, accepted or never
	mark      string // C confirmed by a document, E by clients, U unknown
	source    string // for a command, the source of its row in [wire.Commands]
	note      string
}

type catalogue []entry

func readCatalogue(tb testing.TB) catalogue {
	tb.Helper()
	f, err := os.Open("testdata/catalogue.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	records, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var c catalogue
	for _, f := range records[1:] {
		e := entry{command: f[0], kind: f[1], name: f[2], treatment: f[3], mark: f[4], source: f[5], note: f[6]}
		if known := wire.CommandNamed(e.command); known != nil {
			e.source = known.Source
		}
		c = append(c, e)
	}
	return c
}

var signs = map[string]string{"query": "?", "request": ">", "answer": "<", "code": "="}

// tag returns the name of e in the covers line of a transcript.
func (e entry) tag() string { return e.command + signs[e.kind] + e.name }

// shownBy returns the tags of the entries that tr shows, in the order of the catalogue.
func (c catalogue) shownBy(tr *transcript) []string {
	var tags []string
	for _, e := range c {
		if slices.ContainsFunc(tr.steps, e.shownIn) {
			tags = append(tags, e.tag())
		}
	}
	return tags
}

var topCode = regexp.MustCompile(`"ErrorCode":0\b`)

// shownIn reports whether a step shows e. A field that the client sends counts only if
// the call as a whole succeeds.
func (e entry) shownIn(s *step) bool {
	if e.command != "gate" && e.command != s.command() {
		return false
	}
	leaf := e.name[strings.LastIndex(e.name, ".")+1:]
	switch e.kind {
	case "query":
		return topCode.MatchString(s.response) && (strings.Contains(s.target, "{{admin") || strings.Contains(s.target, leaf+"="))
	case "request":
		return topCode.MatchString(s.response) && strings.Contains(s.body, `"`+leaf+`"`)
	case "answer":
		return strings.Contains(s.response, `"`+leaf+`"`)
	}
	return e.codeIn(s)
}

// codeIn reports whether a step shows the code e. Codes of items may be only in our own
// header Rollcall-Explain.
func (e entry) codeIn(s *step) bool {
	for _, field := range []string{"ErrorCode", "ResultCode"} {
		if regexp.MustCompile(`"` + field + `":` + e.name + `\b`).MatchString(s.response) {
			return true
		}
	}
	for _, h := range s.headers {
		if h[0] == "Rollcall-Explain" && strings.Contains(h[1], "="+e.name) {
			return true
		}
	}
	return false
}
