package main

import (
	"bytes"
	"encoding/json"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionJSON(t *testing.T) {
	version, commit, date = "v1.2.3", "0123456789abcdef", "2026-01-02T03:04:05Z"
	t.Cleanup(func() { version, commit, date = "devel", "", "" })
	var out bytes.Buffer
	if code := run(t.Context(), &environment{stdout: &out, stderr: &out}, []string{"version", "--output", "json"}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	for _, name := range []string{"store_format", "schema"} {
		if n, _ := got[name].(float64); n < 1 || n != float64(int(n)) {
			t.Errorf("%s is %v, want a number from 1 up", name, got[name])
		}
		delete(got, name)
	}
	want := map[string]any{
		"version": "v1.2.3", "commit": "0123456789abcdef", "date": "2026-01-02T03:04:05Z",
		"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("version (-want +got):\n%s", diff)
	}
}
