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

	"rollcall/docs"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/wire"
)

// TestOpenAPIValid checks the documents with a published validator, and every example in
// them against its schema.
func TestOpenAPIValid(t *testing.T) {
	needPackages(t)
	out, err := node(t, nil, "validate.mjs", "../../docs/openapi/wire.json", "../../docs/openapi/admin.json")
	if err != nil || !regexp.MustCompile(`[1-9]\d+ examples fit their schemas`).MatchString(out) {
		t.Errorf("node: %v\n%s", err, out)
	}
	for name, broken := range map[string]string{
		"no title":   strings.Replace(string(docs.Wire), `"title"`, `"titel"`, 1),
		"an example": strings.Replace(string(docs.Wire), `"IsNeedDetail": 1`, `"IsNeedDetail": 7`, 1),
	} {
		if broken == string(docs.Wire) {
			t.Fatalf("%s: the test did not break the document", name)
		}
		if out, err := node(t, nil, "validate.mjs", writeFile(t, "broken.json", []byte(broken))); err == nil {
			t.Errorf("%s is broken but passes:\n%s", name, out)
		}
	}
}

// TestPage uses the page Try it in a browser. With ROLLCALL_SCREENSHOTS it
// leaves pictures in that directory.
func TestPage(t *testing.T) {
	needPackages(t)
	browser := needChromium(t)
	srv, _ := runServer(t, anystore.Mem, config.Config{}, account.App{ID: defaultApp, Test: true})
	home := t.TempDir() // home directory of the browser, which is removed after the test
	out, err := node(t, []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"ROLLCALL_URL=" + srv.URL, "ROLLCALL_TOKEN=" + srv.AdminToken, fmt.Sprint("ROLLCALL_SDKAPPID=", srv.SDKAppID),
		fmt.Sprint("ROLLCALL_COMMANDS=", len(wire.Commands)),
		"ROLLCALL_CHROMIUM=" + browser, "ROLLCALL_SCREENSHOTS=" + os.Getenv("ROLLCALL_SCREENSHOTS"),
	}, "page.mjs")
	if err != nil || !strings.Contains(out, "7 steps passed") {
		t.Errorf("node: %v\n%s", err, out)
	}
	if strings.Contains(out, srv.AdminToken) {
		t.Error("the output contains the token")
	}
}

// node runs a program of the directory openapi, with env and nothing else of the
// environment.
func node(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = "openapi"
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// needPackages skips the test if the npm packages are not installed. In CI it fails
// instead.
func needPackages(t *testing.T) {
	t.Helper()
	_, err := os.Stat("openapi/node_modules/playwright-core")
	if err == nil {
		_, err = exec.LookPath("node")
	}
	skipWithout(t, err, "the validator and the driver of the browser are not there: run npm ci in conformance/openapi")
}

// needChromium returns the path of the browser: of the shell, which is the same without
// windows and needs half of the processor's time, or else of the whole. It skips the test
// if there is no browser, and fails in CI instead.
func needChromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path, err = exec.LookPath("chromium")
	}
	skipWithout(t, err, "there is no chromium: install Debian's package")
	return path
}

func skipWithout(t *testing.T, err error, help string) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s (%v)", help, err)
	default:
		t.Skipf("%s (%v)", help, err)
	}
}
