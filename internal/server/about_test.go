package server

import (
	"strings"
	"testing"

	"rollcall/internal/wire"
)

// TestAbout looks for every command, and for the admin API on an address that serves it.
func TestAbout(t *testing.T) {
	text := about("v1", false)
	services := map[string]bool{}
	for _, c := range wire.Commands {
		services[c.Service] = true
		_, after, _ := strings.Cut(text, "\n  POST /v4/"+c.Service+"/{")
		if names, _, ok := strings.Cut(after, "}\n"); !ok || !strings.Contains(","+names+",", ","+c.Name+",") {
			t.Errorf("%s is not in %s", c.Path(), text)
		}
	}
	if !strings.HasPrefix(text, "Rollcall v1: ") || strings.Count(text, "POST") != len(services) || strings.Contains(text, "/admin/v1") {
		t.Errorf("%s", text)
	}
	if !strings.HasSuffix(about("v1", true), "/metrics   for Prometheus\n") {
		t.Error("the admin API is not shown")
	}
}
