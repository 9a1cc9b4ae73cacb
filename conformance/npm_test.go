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

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// npmHost is the host that is built into the client.
const npmHost = "console.tim.qq.com"

// TestNPMClient runs a published client, unmodified, over TLS. The first run uses the
// client's own signer of version 1. The second replaces it by the vendor's signer of
// version 2.
func TestNPMClient(t *testing.T) {
	needNodeModules(t)
	onNPMStores(t, func(t *testing.T, kind string) {
		for _, signer := range []string{"own", "vendor"} {
			t.Run(signer, func(t *testing.T) {
				out, err := runNPM(t, setup{
					store: newStore(t, kind),
					apps:  []account.App{{ID: defaultApp, Edition: account.Development}},
					fault: account.OK,
				}, "scenario.js", "ROLLCALL_SIGNER="+signer)
				if err != nil || !strings.Contains(out, "25 steps passed") {
					t.Errorf("node: %v\n%s", err, out)
				}
			})
		}
	})
}

// onNPMStores runs test on each kind of store of the published clients.
func onNPMStores(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	for _, kind := range anystore.Kinds(t, anystore.Mem, anystore.Postgres) {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

// TestNPMFaults lets the calls of a published client fail in every way, and compares what
// the client sees.
func TestNPMFaults(t *testing.T) {
	needNodeModules(t)
	const single, batch = "account_import", "multiaccount_import"
	success := map[string]string{
		single: `200 {"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`,
		batch:  `200 {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`,
	}
	steps := []struct {
		fault faults.Fault
		want  string
	}{
		{faults.Fault{Command: single, Code: 70398}, `200 {"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_Account_Num_Exceed_Threshold[70398]","ErrorCode":70398}`},
		{faults.Fault{Command: batch, FailItems: 2, ItemCode: 70402}, `200 {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["user1a","user1b"]}`},
		{faults.Fault{Command: single, Status: 502}, "error 502 <html><head><title>502 Bad Gateway</title></head><body></body></html>"},
		{faults.Fault{Command: batch, FailUserIDs: []string{"user3c"}}, `200 {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["user3c"]}`},
		{faults.Fault{Command: single, Status: 503, Code: 70500, Info: "x"}, `error 503 {"ActionStatus":"FAIL","ErrorInfo":"x","ErrorCode":70500}`},
		{faults.Fault{Command: batch, DelayMS: 500}, "late " + success[batch]},
		{faults.Fault{Command: single, Cut: faults.CutBefore}, "error ECONNRESET"},
		{faults.Fault{Command: batch, Cut: faults.CutMiddle}, "error ECONNRESET"},
	}
	s := setup{apps: []account.App{{ID: defaultApp, Edition: account.Development, Test: true}}, fault: account.OK}
	var want []string
	for _, step := range steps {
		step.fault.Times = 1
		s.faults = append(s.faults, step.fault)
		want = append(want, step.want)
	}
	want = append(want, success[single], success[batch]) // without a fault
	onNPMStores(t, func(t *testing.T, kind string) {
		s.store = newStore(t, kind)
		out, err := runNPM(t, s, "faults.js", "ROLLCALL_SIGNER=vendor", "ROLLCALL_DELAYED=5", fmt.Sprint("ROLLCALL_CALLS=", len(want)))
		if err != nil {
			t.Errorf("node: %v", err)
		}
		if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out), "\n")); diff != "" {
			t.Errorf("calls (-want +seen):\n%s", diff)
		}
	})
}

// runNPM runs a script of the folder npm against a server with the setup s. It returns
// the output.
func runNPM(t *testing.T, s setup, script string, environment ...string) (string, error) {
	t.Helper()
	k := newKeys(t)
	addr, ca := serveTLS(t, newHandler(t, testutil.Logger(t), k, s))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--require", "./redirect.js", script)
	cmd.Dir = "npm"
	// The rest of the environment is left out: the client would use a proxy.
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"NODE_NO_WARNINGS=1",
		"NODE_EXTRA_CA_CERTS=" + writeFile(t, "ca.pem", ca),
		fmt.Sprint("ROLLCALL_PORT=", addr.Port),
		fmt.Sprint("ROLLCALL_SDKAPPID=", defaultApp),
		"ROLLCALL_KEY_FILE=" + writeFile(t, "key.pem", k.privatePEM),
		"ROLLCALL_SECRET=" + sampleKey,
	}, environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
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
