package intercept

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// TestFromTree accepts connections of a child and of an orphan, which is a child of a
// shell that has ended. The orphan belongs to the tree only if this process adopts it.
func TestFromTree(t *testing.T) {
	if !KnowsPeers() {
		t.Fatal("a connection of this process is not found in /proc")
	}
	for _, step := range []struct {
		name, script string
		prepare      func() error
		want         bool
	}{
		{"child", `"$0"; true`, func() error { return nil }, true},
		{"orphan", `"$0" &`, func() error { return nil }, false},
		{"adopted", `"$0" &`, AdoptOrphans, true},
	} {
		if err := step.prepare(); err != nil {
			t.Fatal(err)
		}
		for _, network := range []string{"tcp4", "tcp6"} {
			checkPeer(t, step.name, network, step.script, step.want)
		}
	}
}

// checkPeer lets a shell start a client with a socket of the network, and checks its
// connection.
func checkPeer(t *testing.T, name, network, script string, want bool) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", script, exe)
	cmd.Env = append(os.Environ(), strangerVariable+"="+network+" "+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ended := func() {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if name != "child" {
		ended()
	}
	if err := FromTree(c); (err == nil) != want {
		t.Errorf("%s, %s: %v, want accepted %v", name, network, err, want)
	}
	c.Close()
	if name == "child" {
		ended()
	}
}

func TestParseEnd(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
		"00000000000000000000000001000000:01BB": "[::1]:443",
		"":                                      "invalid AddrPort",
		"0100007F":                              "invalid AddrPort",
		"01:50":                                 "invalid AddrPort",
	} {
		if got := parseEnd(text).String(); got != want && littleEndian {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("42 (a (b) c) S 7 42 42 0"))
	if want := (process{42, 7, "S"}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "42", "42 (x) S", ") 1 (", "x (y) S 1"} {
		if _, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
