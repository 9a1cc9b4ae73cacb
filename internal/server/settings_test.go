package server

import (
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
)

// TestSettingsRoute reads the settings of a server, one of which is given with its source.
func TestSettingsRoute(t *testing.T) {
	dir := t.TempDir()
	running(t, config.Config{Data: dir, Redis: "redis://user:hidden@127.0.0.1:1/0"}, func(s *Server) {
		c, err := ReadContext(filepath.Join(dir, ContextFile))
		if err != nil {
			t.Fatal(err)
		}
		status, body := get(t, s, 0, "/admin/v1/settings", "", c.AdminToken)
		for _, want := range []string{
			`{"key":"data","value":"` + dir + `","default":"./rollcall-data","source":"program","place":"","takes":"a text","description":"Directory of all data."}`,
			`{"key":"drain","value":"0s","default":"0s","source":"default"`,
			`redis://user@127.0.0.1:1/0`,
		} {
			if status != 200 || !strings.Contains(body, want) {
				t.Errorf("%d %s, want %s", status, body, want)
			}
		}
		if strings.Contains(body, "hidden") || strings.Contains(body, c.AdminToken) || strings.Contains(body, c.Key) {
			t.Error("the settings hold a secret")
		}
	})
	given := []config.Effective{{Setting: config.Settings()[0], Value: "/d", Origin: "flag", Place: "--data"}}
	s := new(Server)
	s.effective.Store(&given)
	if shown := s.settings(); len(shown) != 1 || shown[0].Source != "flag" || shown[0].Place != "--data" || shown[0].Value != "/d" {
		t.Errorf("settings %+v", shown)
	}
}
