package server

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rollcall/internal/backup"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// TestVerifyBackupRoute checks a backup through the admin API, sound and damaged.
func TestVerifyBackupRoute(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	running(t, config.Config{Data: dir, Store: "pebble:" + filepath.Join(dir, "accounts")}, func(s *Server) {
		c, err := ReadContext(filepath.Join(dir, ContextFile))
		if err != nil {
			t.Fatal(err)
		}
		post := func(path, dir string) (int, string) {
			req := testutil.NewRequest(t, http.MethodPost, "http://"+s.listeners[0].Addr().String()+path, c.AdminToken, `{"dir":`+strconv.Quote(dir)+`}`)
			resp, body := testutil.Do(t, http.DefaultClient, req)
			return resp.StatusCode, body
		}
		if status, body := post("/admin/v1/backup", copied); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if status, body := post("/admin/v1/backup:verify", copied); status != 200 || !strings.Contains(body, `"sound":true,"accounts":1,"tombstones":0,"apps":1,"tokens":1,`) {
			t.Errorf("%d %s", status, body)
		}
		if status, body := post("/admin/v1/backup:verify", "relative"); status != 400 {
			t.Errorf("a relative path: %d %s", status, body)
		}
		if status, body := post("/admin/v1/backup:verify", filepath.Join(dir, "none")); status != 200 || !strings.Contains(body, `"sound":false,"fault":`) {
			t.Errorf("no directory: %d %s", status, body)
		}
		if err := os.WriteFile(filepath.Join(copied, backup.Store, "more"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := post("/admin/v1/backup:verify", copied); status != 200 || !strings.Contains(body, "more is not part of the backup") {
			t.Errorf("a damaged copy: %d %s", status, body)
		}
	})
}
