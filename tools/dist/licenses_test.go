package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClassify refuses modules without a licence, or with one that is not allowed.
func TestClassify(t *testing.T) {
	apache, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	lgpl, err := os.ReadFile("testdata/lgpl-2.1.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		notices []notice
		want    string
	}{
		"good":    {[]notice{{"LICENSE", apache}, {"NOTICE", []byte("by us")}}, ""},
		"none":    {nil, "module m: no licence was found"},
		"notice":  {[]notice{{"NOTICE", apache}}, "module m: no licence was found"},
		"unknown": {[]notice{{"LICENSE", []byte("You may look at this, but not touch it.")}}, "0 % of LICENSE is a known licence"},
		"partly":  {[]notice{{"LICENSE", append(bytes.Repeat([]byte("one two three "), 2000), apache...)}}, "is a known licence"},
		"not ok":  {[]notice{{"LICENSE", apache}, {"sub/COPYING", lgpl}}, "of sub/COPYING is not allowed"},
	} {
		m := &module{path: "m", notices: tt.notices}
		err := m.classify()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestNotices checks that the texts and the SBOM are complete.
func TestNotices(t *testing.T) {
	r := built(t)
	text, err := os.ReadFile(filepath.Join(r.dir, licensesFile))
	if err != nil {
		t.Fatal(err)
	}
	sbom, err := os.ReadFile(filepath.Join(r.dir, sbomFile))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		Components []struct {
			Name, Version string
			Hashes        []struct{ Content string }
			Licenses      []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(sbom, &bom); err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range bom.Components {
		listed[c.Name+" "+c.Version] = true
		if len(c.Licenses) == 0 || c.Name != "std" && (len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("component %s has licences %v and hashes %v", c.Name, c.Licenses, c.Hashes)
		}
	}
	for _, name := range []string{"github.com/cockroachdb/pebble/v2", "github.com/jackc/pgx/v5", "github.com/alecthomas/kong"} {
		version := regexp.MustCompile(regexp.QuoteMeta(name) + ` (v\S+)`).FindSubmatch(goMod)
		if version == nil || !listed[name+" "+string(version[1])] {
			t.Errorf("the SBOM lacks %s %s", name, version)
		}
		if !bytes.Contains(text, []byte(name+" ")) {
			t.Errorf("%s lacks %s", licensesFile, name)
		}
	}
	if listed["github.com/google/go-cmp v0.7.0"] {
		t.Error("the SBOM lists a module of the tests alone")
	}
	if !bytes.Contains(text, []byte("Copyright 2009 The Go Authors.")) {
		t.Errorf("%s lacks the licence of Go", licensesFile)
	}
}

// TestExample checks that the example of a configuration names only settings that exist, and
// that its comments name their defaults.
func TestExample(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, "deploy", "packaging", "rollcall.yml"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| \\[`(\\w+)`\\].*\\| (?:`([^`]*)`)? *\\|$").FindAllSubmatch(document, -1) {
		defaults[string(m[1])] = string(m[2])
	}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^# (\w+): (\S+)( +#.*| )?$`).FindAllStringSubmatch(string(example), -1) {
		found++
		value, ok := defaults[m[1]]
		if !ok {
			t.Errorf("there is no setting %s", m[1])
		}
		if value != "" && m[2] != value && !strings.Contains(m[3], "default") && m[2] != `":443"` {
			t.Errorf("%s: %s has the default %s", m[1], m[2], value)
		}
	}
	if found < 12 {
		t.Errorf("%d examples, want at least 12", found)
	}
}
