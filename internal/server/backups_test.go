package server

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// TestBackups makes a backup in a repository through the admin API and through the
// console, and looks for both in the API, on the page, in the metrics and in the audit
// trail.
func TestBackups(t *testing.T) {
	dir, place := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	running(t, config.Config{Data: dir, Store: "pebble:" + filepath.Join(dir, "accounts"), BackupTo: place}, func(s *Server) {
		c, err := ReadContext(filepath.Join(dir, ContextFile))
		if err != nil {
			t.Fatal(err)
		}
		send := func(method, path, body string) (int, string) {
			resp, text := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, method, c.URL+path, c.AdminToken, body))
			return resp.StatusCode, text
		}
		if status, body := send(http.MethodGet, "/admin/v1/backups", ""); status != 200 || !strings.Contains(body, `"backups":[]`) {
			t.Errorf("before the first backup: %d %s", status, body)
		}
		if status, body := send(http.MethodPost, "/admin/v1/backup", "{}"); status != 200 || !regexp.MustCompile(`"repository":"`+place+`","id":"2\d+T\d+Z","accounts":1,`).MatchString(body) {
			t.Errorf("a backup: %d %s", status, body)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		defer browser.CloseIdleConnections()
		testutil.Do(t, browser, testutil.NewRequest(t, http.MethodGet, s.ConsoleLink(), "", ""))
		req := testutil.NewRequest(t, http.MethodPost, c.URL+"/console/server/backups", "", url.Values{"_form": {"store"}}.Encode())
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		if resp, page := testutil.Do(t, browser, req); resp.StatusCode != 200 || !strings.Contains(page, "Newly stored") || strings.Count(page, ">test</td>") != 2 {
			t.Errorf("the page: %d %s", resp.StatusCode, page)
		}
		if status, body := send(http.MethodGet, "/admin/v1/backups", ""); status != 200 || strings.Count(body, `"digest":"`) != 2 {
			t.Errorf("after two backups: %d %s", status, body)
		}
		if status, body := send(http.MethodGet, "/admin/v1/audit?action=backup.create", ""); status != 200 || strings.Count(body, " in "+place) != 2 {
			t.Errorf("the audit trail: %d %s", status, body)
		}
		if _, text := send(http.MethodGet, "/metrics", ""); !regexp.MustCompile(`rollcall_last_backup_timestamp_seconds [1-9]`).MatchString(text) || !regexp.MustCompile(`rollcall_backup_last_duration_seconds [0-9.e-]+\n`).MatchString(text) {
			t.Errorf("no backup in the metrics:\n%s", text)
		}
		if err := os.WriteFile(filepath.Join(place, "repository.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := send(http.MethodPost, "/admin/v1/backup", "{}"); status != http.StatusConflict || !strings.Contains(body, "repository.json is damaged") {
			t.Errorf("a damaged repository: %d %s", status, body)
		}
		if _, text := send(http.MethodGet, "/metrics", ""); !strings.Contains(text, "rollcall_backup_failures_total 1\n") {
			t.Error("the failure was not counted")
		}
	})
}

// TestBackupsRefused starts servers that cannot keep backups.
func TestBackupsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	for want, c := range map[string]config.Config{
		"this store cannot copy itself": {Store: "mem:", BackupTo: filepath.Join(dir, "backups")},
		"there are no credentials":      {Data: filepath.Join(dir, "data"), Store: "pebble:" + filepath.Join(dir, "data", "accounts"), BackupTo: "s3://bucket"},
		"needs --data":                  {Store: "pebble:" + filepath.Join(dir, "accounts"), SealKeys: filepath.Join(dir, "seal.keys"), BackupTo: filepath.Join(dir, "backups")},
	} {
		if _, err := openWith(t, Options{Config: c}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
