package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil/anystore"
)

// TestConsole makes the tour of the console in a browser: every page and every action, in
// both languages, light and dark, wide and narrow, with scripts and without.
func TestConsole(t *testing.T) {
	needConsole(t)
	browser := needChromium(t)
	files := t.TempDir() // of imports and backups
	running := startServer(t, anystore.Pebble, config.Config{ImportDir: files}, account.App{ID: defaultApp, Test: true})
	srv := running.Context()
	home := t.TempDir()                                             // home directory of the browser, which is removed after the test
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "tour.mjs")
	cmd.Dir = "console"
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"ROLLCALL_URL=" + srv.URL, "ROLLCALL_TOKEN=" + srv.AdminToken, fmt.Sprint("ROLLCALL_SDKAPPID=", srv.SDKAppID), "ROLLCALL_CHROMIUM=" + browser,
		"ROLLCALL_DIR=" + files, "ROLLCALL_LINK=" + running.ConsoleLink(),
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !regexp.MustCompile(`[1-9]\d* pages looked at, [1-9]\d* actions done, [1-9]\d* forms of a reader and [1-9]\d* stolen forms refused, 0 faults`).Match(out) {
		t.Errorf("node: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	if strings.Contains(string(out), srv.AdminToken) {
		t.Error("the output contains the token")
	}
}

// needConsole skips the test if the npm packages are not installed. In CI it fails instead.
func needConsole(t *testing.T) {
	t.Helper()
	_, err := os.Stat("console/node_modules/axe-core")
	if err == nil {
		_, err = exec.LookPath("node")
	}
	skipWithout(t, err, "the driver of the browser is not there: run npm ci in conformance/console")
}
