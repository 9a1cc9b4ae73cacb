package admin

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/account"
)

// TestSlugs fails on a Code that has no problem.
func TestSlugs(t *testing.T) {
	for _, c := range account.Codes() {
		if slug, ok := slugs[c]; !ok && c != account.OK || ok && slug.Status < 400 {
			t.Errorf("Code %v has the problem %+v", c, slug)
		}
	}
	seen := map[string]bool{}
	for _, s := range Slugs() {
		if seen[s.Name] || s.Title == "" || !strings.HasSuffix(s.Remedy, ".") {
			t.Errorf("problem %+v occurs twice, or lacks a title or a remedy", s)
		}
		seen[s.Name] = true
	}
}

// TestClassify checks that the cause of an error is not part of its problem.
func TestClassify(t *testing.T) {
	slug, detail := classify(&account.Error{Code: account.Internal, Err: errors.New("cause")})
	if slug != internal || detail == "" || strings.Contains(detail, "cause") {
		t.Errorf("classify = %v, %q", slug, detail)
	}
	slug, detail = classify(&account.Error{Code: account.Unavailable, Detail: "a sentence", Err: errors.New("cause")})
	if slug != unavailable || detail != "a sentence" {
		t.Errorf("classify = %v, %q", slug, detail)
	}
}
