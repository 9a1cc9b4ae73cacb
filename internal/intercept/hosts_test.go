package intercept

import (
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestWriteHosts(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	overlays, err := WriteHosts(t.TempDir(), net.IPv4(127, 1, 2, 3), []string{"api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(overlays, func(o Overlay) bool { return o.Target == "/etc/hosts" })
	if i < 0 {
		t.Fatalf("overlays %v", overlays)
	}
	got, err := os.ReadFile(overlays[i].File)
	old, _ := os.ReadFile("/etc/hosts")
	if err != nil || !strings.Contains(string(got), "127.1.2.3 console.tim.qq.com\n") || !strings.HasPrefix(string(got), "127.1.2.3 ") ||
		!strings.Contains(string(got), "127.1.2.3 api.example.com\n") || !strings.HasSuffix(string(got), string(old)) {
		t.Errorf("%s, %v", got, err)
	}
	if info, err := os.Stat(overlays[i].File); err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFilesFirst(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"passwd: files\nhosts:\tfiles dns\n":  "",
		"hosts: mymachines resolve dns\nx: y": "hosts: files mymachines resolve dns\nx: y",
		"# hosts: x\n  hosts:  resolve":       "# hosts: x\nhosts: files resolve\n",
	} {
		if filesFirst([]byte(text)) != (want == "") {
			t.Errorf("%q: files first %v", text, want != "")
		}
		if want == "" {
			continue
		}
		if got := string(withFilesFirst([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
