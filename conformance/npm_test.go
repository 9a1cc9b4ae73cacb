package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
)

// npmHost is the host that is built into the client.
const npmHost = "console.tim.qq.com"

// TestNPMClient runs a published client, unmodified, over TLS. The first run uses the
// client's own signer of version 1. The second replaces it by the vendor's signer of
// version 2.
func TestNPMClient(t *testing.T) {
	needNodeModules(t)
	for _, signer := range []string{"own", "vendor"} {
		t.Run(signer, func(t *testing.T) {
			k := newKeys(t)
			addr, ca := serveTLS(t, newHandler(t, testutil.Logger(t), k, setup{
				apps:  []account.App{{ID: defaultApp, Edition: account.Development}},
				fault: account.OK,
			}))
			keyFile := writeFile(t, "key.pem", k.privatePEM)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only limits a hang
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "--require", "./redirect.js", "scenario.js")
			cmd.Dir = "npm"
			// The rest of the environment is left out: the client would use a proxy.
			cmd.Env = []string{
				"PATH=" + os.Getenv("PATH"),
				"NODE_NO_WARNINGS=1",
				"NODE_EXTRA_CA_CERTS=" + writeFile(t, "ca.pem", ca),
				fmt.Sprint("ROLLCALL_PORT=", addr.Port),
				fmt.Sprint("ROLLCALL_SDKAPPID=", defaultApp),
				"ROLLCALL_SIGNER=" + signer,
				"ROLLCALL_KEY_FILE=" + keyFile,
				"ROLLCALL_SECRET=" + sampleKey,
			}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "25 steps passed") {
				t.Errorf("node: %v\n%s", err, out)
			}
		})
	}
}

// needNodeModules skips the test if the clients are not installed. In CI it fails instead.
func needNodeModules(t *testing.T) {
	t.Helper()
	_, err := os.Stat("npm/node_modules/imsdk-restapi-nodejs-es6-sdk")
	if err == nil {
		_, err = exec.LookPath("node")
	}
	if err == nil {
		return
	}
	const help = "the clients are not there: run npm ci in conformance/npm"
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s (%v)", help, err)
	}
	t.Skipf("%s (%v)", help, err)
}

// serveTLS serves h on the loopback interface as npmHost. It returns the certificate in
// PEM, which clients must trust.
func serveTLS(t *testing.T, h http.Handler) (*net.TCPAddr, []byte) {
	t.Helper()
	ca, key := testutil.Certificate(t, npmHost)
	cert, err := tls.X509KeyPair(ca, key)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := httpx.NewListener(inner, httpx.ListenerOptions{
		TLS:           &tls.Config{Certificates: []tls.Certificate{cert}},
		FaultResponse: api.Malformed,
		Logger:        testutil.Logger(t),
	})
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	stopped := make(chan error)
	go func() { stopped <- l.Serve(srv) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-stopped; err != http.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	})
	return inner.Addr().(*net.TCPAddr), ca
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
