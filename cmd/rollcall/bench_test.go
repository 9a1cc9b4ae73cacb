package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// bench runs "rollcall bench" and returns its exit code and its output.
func bench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), &environment{strings.NewReader(""), &out, &errs}, append([]string{"bench"}, args...))
	return code, out.String(), errs.String()
}

// TestBench imports and checks accounts. The check finds the imported half of its ids.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	startProcess(t, dir)
	context := dir + "/context.json"
	if code, _, errs := bench(t, "--context", context); code != exitFailure || !strings.Contains(errs, "import some with \"rollcall bench --workload import-100-new --calls 1000\", then give --accounts 100000") {
		t.Errorf("on a fresh server: exit %d, %q; want the next step", code, errs)
	}
	for _, tt := range []struct {
		args     []string
		accounts int64
	}{
		{[]string{"--workload", "import-100-new", "--calls", "20"}, 2000},
		{[]string{"--workload", "check-100", "--calls", "20", "--accounts", "2000"}, 2000},
		{[]string{"--workload", "device-1", "--calls", "20", "--accounts", "2000"}, 20},
		{[]string{"--workload", "device-250", "--calls", "8", "--accounts", "2000"}, 2000},
		{[]string{"--workload", "status-500", "--calls", "20", "--accounts", "2000"}, 10000},
		{[]string{"--workload", "list", "--calls", "256", "--connections", "1", "--accounts", "2000"}, 2000},
	} {
		code, out, errs := bench(t, append(tt.args, "--context", context, "--output", "json")...)
		var r benchReport
		if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil {
			t.Fatalf("%q: exit %d, %v, %s", tt.args, code, err, errs)
		}
		// The list also has the admins, so it may be longer. No page may be missing.
		if r.Accounts < tt.accounts || r.Errors != 0 || r.CallsPerS <= 0 || r.Max < r.P50 {
			t.Errorf("%q: %+v", tt.args, r)
		}
		if !strings.Contains(errs, "target: http://127.0.0.1") {
			t.Errorf("%q: does not tell its target: %q", tt.args, errs)
		}
	}
	code, out, _ := bench(t, "--context", context, "--workload", "check-1", "--calls", "3", "--accounts", "10")
	if code != exitOK || !strings.Contains(out, "3 in ") {
		t.Errorf("exit %d, table %q", code, out)
	}
}

// TestBenchElsewhere loads another machine without repeating its name, which is refused.
func TestBenchElsewhere(t *testing.T) {
	t.Setenv(keyVariable, "the secret of an app")
	key := []string{"--sdkappid", "1400000001", "--accounts", "100"}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"unnamed":      {[]string{"http://192.0.2.1"}, "add --yes-really 192.0.2.1"},
		"another name": {[]string{"http://192.0.2.1", "--yes-really", "192.0.2.2"}, "add --yes-really 192.0.2.1"},
		"no host":      {[]string{"http:"}, "is no URL"},
	} {
		code, out, errs := bench(t, append(tt.args, key...)...)
		if code != exitBadUsage || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, errs)
		}
	}
}
