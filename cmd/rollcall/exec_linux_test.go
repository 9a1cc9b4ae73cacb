package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the number of a user without rights.
const nobody = 65534

// runExec runs "rollcall exec" with args as a user, and returns what it prints and its exit
// code.
func runExec(t *testing.T, uid int, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "program") // where the user may read it
	if b, err := os.ReadFile(exe); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(program, 0o755); err != nil { // whatever the umask of the servers of other tests
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"exec"}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), asProgram+"=1", "TMPDIR="+cmp.Or(os.Getenv("ROLLCALL_TEST_TMPDIR"), dir), "HOME="+dir)
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil { // the exit code is returned
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestExecHosts leads a client that ignores proxies to the server, as root and as an
// ordinary user. Only the program sees the hosts file, and it gets no capability.
func TestExecHosts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change to another user")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl on this machine")
	}
	const script = `id -u; curl --silent --show-error --noproxy '*' https://console.tim.qq.com/v4/x; echo; grep -c console.tim.qq.com /etc/hosts; cat /proc/self/status; exit 9`
	for name, test := range map[string]struct {
		uid  int
		args []string
	}{
		"root":          {0, []string{"--hosts", "--", "sh", "-c", script}},
		"root isolated": {0, []string{"--hosts", "--isolated", "--", "sh", "-c", script}},
		"user isolated": {nobody, []string{"--hosts", "--isolated", "--", "sh", "-c", script}},
	} {
		out, errs, code := runExec(t, test.uid, test.args...)
		lines := strings.SplitN(out, "\n", 4)
		if strings.Contains(errs, "does not let you create namespaces") || strings.Contains(errs, "can forbid it to root") {
			t.Logf("%s: %s", name, errs) // a sandbox
			continue
		}
		if code != 9 || len(lines) < 4 || !strings.Contains(lines[1], `"ErrorCode":60009`) || lines[2] != "1" || !strings.Contains(errs, "1 call reached the service") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, errs)
			continue
		}
		if test.uid != 0 && (lines[0] != "65534" || !strings.Contains(lines[3], "CapEff:\t0000000000000000\n")) {
			t.Errorf("%s: user %s\n%s", name, lines[0], lines[3])
		}
		if isolated := strings.Contains(strings.Join(test.args, " "), "--isolated"); isolated != strings.Contains(errs, "reaches nothing but the service and itself") {
			t.Errorf("%s: %s", name, errs)
		}
	}
	if b, err := os.ReadFile("/etc/hosts"); err != nil || strings.Contains(string(b), "console.tim.qq.com") {
		t.Errorf("the hosts file of this machine has changed: %v", err)
	}
}

// TestExecNeeds checks the sentences for what --hosts lacks.
func TestExecNeeds(t *testing.T) {
	if os.Getuid() == 0 {
		if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil && strings.TrimSpace(string(b)) != "0" {
			if _, errs, code := runExec(t, nobody, "--hosts", "--", "true"); code != exitFailure || !strings.HasPrefix(errs, "rollcall: --hosts needs root, or CAP_NET_BIND_SERVICE and CAP_SYS_ADMIN") {
				t.Errorf("without rights: exit code %d, %s", code, errs)
			}
		}
	}
	for args, want := range map[string]string{
		"--isolated -- true":                              "rollcall: --isolated is a way of --hosts: give that too\n",
		"--hosts --isolated --passthrough -- true":        "rollcall: --isolated reaches no other server: leave out --url, --context and --passthrough\n",
		"--hosts --isolated --url http://localhost -- ls": "rollcall: --isolated reaches no other server",
	} {
		if _, errs, code := runExec(t, os.Getuid(), strings.Fields(args)...); code != exitBadUsage || !strings.HasPrefix(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
	if os.Getuid() == 0 {
		if _, errs, code := runExec(t, 0, "--hosts", "--", "no-such-program"); code != exitNotFound && !strings.Contains(errs, "forbid") {
			t.Errorf("no program: exit code %d, %s", code, errs)
		}
	}
}

// TestExecOrphans checks that a program that starts daemons leaves no dead ones behind.
func TestExecOrphans(t *testing.T) {
	const script = `for i in 1 2 3; do (tail -f /dev/null & echo $! >>pids); done
kill $(cat pids)
tries=0
while cat $(sed 's,.*,/proc/&/stat,' pids) >stats 2>&1; grep -q '^[0-9]' stats; do
	tries=$((tries+1)); [ $tries -lt 200 ] || exit 1; sleep 0.05
done`
	if out, errs, code := runExec(t, os.Getuid(), "--quiet", "--", "sh", "-c", script); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// TestExecRelative gives the program files that it finds from every directory.
func TestExecRelative(t *testing.T) {
	t.Setenv("ROLLCALL_TEST_TMPDIR", ".")
	out, errs, code := runExec(t, os.Getuid(), "--quiet", "--", "sh", "-c", `cd / && cat "$SSL_CERT_FILE" "$ROLLCALL_CONTEXT" | wc -l`)
	if code != 0 || errs != "" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
