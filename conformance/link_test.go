package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/usersig"
)

// TestLinkPage uses the example page of links in a browser. It comes from another origin than
// the server.
func TestLinkPage(t *testing.T) {
	needConsole(t)
	browser := needChromium(t)
	files := httptest.NewServer(http.FileServer(http.Dir("../docs")))
	defer files.Close()
	srv, _ := runServer(t, anystore.Mem, config.Config{LinkOrigins: []string{files.URL}}, account.App{ID: defaultApp, Test: true})
	sig, err := usersig.Sign(usersig.HMACKey(srv.Key), usersig.Claims{SDKAppID: srv.SDKAppID, Identifier: "alice", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, sig)
	home := t.TempDir()                                            // home directory of the browser, which is removed after the test
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "link.mjs")
	cmd.Dir = "console"
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"ROLLCALL_URL=" + srv.URL, "ROLLCALL_TOKEN=" + srv.AdminToken, fmt.Sprint("ROLLCALL_SDKAPPID=", srv.SDKAppID), "ROLLCALL_CHROMIUM=" + browser,
		"ROLLCALL_PAGE=" + files.URL + "/link-example.html", "ROLLCALL_USERSIG=" + sig,
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "4 steps passed") {
		t.Errorf("node: %v\n%s", err, out)
	}
}
