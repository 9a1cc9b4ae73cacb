package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the directory of the clone.
const root = "../.."

// A release is what the tests share: a release for this platform, and a later one.
type release struct {
	dir   string // of the release v0.3.0
	later string // of the packages of v0.3.1
	src   *source
	own   binary
	err   error
}

var shared struct {
	once sync.Once
	release
}

// TestMain removes what the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(shared.dir)
	os.RemoveAll(shared.later)
	os.Exit(code)
}

// built returns the releases. The first caller builds them.
func built(t *testing.T) *release {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.make(t) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &shared.release
}

func (r *release) make(t *testing.T) (err error) {
	if r.dir, err = os.MkdirTemp("", "rollcall-dist-test-"); err != nil {
		return err
	}
	if r.later, err = os.MkdirTemp("", "rollcall-dist-test-"); err != nil {
		return err
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if r.src, err = newSource(t.Context(), abs, "v0.3.0"); err != nil {
		return err
	}
	if err := build(t.Context(), r.src, []platform{own}, r.dir); err != nil {
		return err
	}
	later := *r.src
	later.version = "v0.3.1"
	if r.own, err = compile(t.Context(), &later, own); err != nil || own.os != "linux" {
		return err
	}
	mods, err := modules(t.Context(), abs, []platform{own})
	if err != nil {
		return err
	}
	docs, err := newDocuments(&later, mods)
	if err != nil {
		return err
	}
	return writePackages(&later, r.own, docs, r.later)
}

// file returns the path of a file of the release, whose name ends with suffix.
func (r *release) file(t *testing.T, dir, suffix string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q end with %s (%v), want one", files, suffix, err)
	}
	return files[0]
}

// TestChecksums checks the release as docs/installing.md says.
func TestChecksums(t *testing.T) {
	r := built(t)
	cmd := exec.Command("sha256sum", "--check", "--strict", sumsFile)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sha256sum: %v: %s", err, out)
	}
	files, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(out), ": OK\n"); got != len(files)-1 {
		t.Errorf("%d sums of %d files", got, len(files)-1)
	}
}

// TestReproducible packs a second time, and compares the bytes. "make dist-check" also
// builds a second time.
func TestReproducible(t *testing.T) {
	r := built(t)
	again := t.TempDir()
	if err := build(t.Context(), r.src, []platform{own}, again); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("diff", "-r", r.dir, again).CombinedOutput(); err != nil {
		t.Errorf("the second release differs: %s", out)
	}
}

// A packager is the program of a distribution that installs packages.
type packager struct {
	suffix                   string
	install, upgrade, remove []string
	left                     string // of /etc/rollcall after a removal, because it was changed
}

// TestDebian installs, starts, reloads, upgrades, removes and purges the package on a machine.
func TestDebian(t *testing.T) {
	m := lifecycle(t, packager{
		".deb", []string{"dpkg", "--install"}, []string{"dpkg", "--install"}, []string{"dpkg", "--remove"}, "rollcall.yml",
	})
	otherSettings(m)
	removed(m, m.run("dpkg", "--purge", "rollcall"), "")
}

// otherSettings installs the package where the settings of the package were removed, because
// those of the operator have another name.
func otherSettings(m *machine) {
	m.t.Helper()
	m.run("sh", "-c", "cd /etc/rollcall && mv rollcall.yml own.yml && dpkg --install /root/later.deb")
	m.want("dpkg-query --show --showformat='${db:Status-Status}' rollcall; ls /etc/rollcall", "installedown.yml")
	m.run("rm", "/etc/rollcall/own.yml")
}

// TestRPM does the same with RPM. That of Debian wants to be forced, and knows nothing of the
// packages that are installed.
func TestRPM(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		skip(t, "rpm is not installed")
	}
	rpm := func(what string) []string { return []string{"rpm", "--force-debian", "--nodeps", what} }
	lifecycle(t, packager{".rpm", rpm("--install"), rpm("--upgrade"), rpm("--erase"), "rollcall.yml.rpmsave"})
}

// lifecycle installs, starts, reloads, upgrades and removes a package.
func lifecycle(t *testing.T, p packager) *machine {
	t.Helper()
	r := built(t)
	files := t.TempDir()
	copyFile(t, r.file(t, r.dir, p.suffix), filepath.Join(files, "first"+p.suffix))
	copyFile(t, r.file(t, r.later, p.suffix), filepath.Join(files, "later"+p.suffix))
	m := boot(t, files)
	installed(m, m.run(append(p.install, "/root/first"+p.suffix)...))

	m.run("systemctl", "enable", "--now", "rollcall")
	m.want("rollcall healthcheck", "ready")
	pid := m.run("systemctl", "show", "--property=MainPID", "--value", "rollcall")
	m.want("stat -c %U /proc/"+pid, "rollcall")
	m.want("stat -c '%a %U' /var/lib/rollcall/admin.token", "600 rollcall")
	admin := "--url http://127.0.0.1:7581 --admin-token-file /var/lib/rollcall/admin.token"
	m.run("sh", "-c", "rollcall app create 1400000001 "+admin)
	m.run("systemctl", "reload", "rollcall")
	m.want("systemctl show --property=MainPID --value rollcall", pid)
	exposure(t, m)

	m.run("sh", "-c", "echo 'log_level: warn' >>/etc/rollcall/rollcall.yml")
	m.run(append(p.upgrade, "/root/later"+p.suffix)...)
	m.want("rollcall version | cut -d' ' -f2", "v0.3.1")
	m.want("systemctl is-active rollcall", "active")
	m.want("rollcall healthcheck", "ready")
	if now := m.run("systemctl", "show", "--property=MainPID", "--value", "rollcall"); now == pid {
		t.Error("the upgrade did not restart the server")
	}
	m.want("tail -n 1 /etc/rollcall/rollcall.yml && stat -c '%a %U:%G' /etc/rollcall/rollcall.yml", "log_level: warn\n640 root:rollcall")
	m.want("rollcall app list "+admin+" --output json | grep -c 1400000001", "1")
	sockets(m)
	removed(m, m.run(append(p.remove, "rollcall")...), p.left)
	return m
}

// installed checks a machine after an installation that printed out.
func installed(m *machine, out string) {
	m.t.Helper()
	if !strings.Contains(out, "systemctl enable --now rollcall") {
		m.t.Errorf("the installation does not say how to start the server: %s", out)
	}
	m.want("stat -c '%a %U:%G' /var/lib/rollcall /etc/rollcall /etc/rollcall/rollcall.yml", "700 rollcall:rollcall\n750 root:rollcall\n640 root:rollcall")
	m.want("rollcall version | cut -d' ' -f2", "v0.3.0")
	m.want("systemctl is-enabled rollcall || true", "disabled")
	m.want("setpriv --reuid rollcall --regid rollcall --clear-groups rollcall config check /etc/rollcall/rollcall.yml", "no mistake found in /etc/rollcall/rollcall.yml")
	m.run("systemd-analyze", "verify", "/usr/lib/systemd/system/rollcall.service", "/usr/lib/systemd/system/rollcall.socket", "/usr/lib/systemd/system/rollcall-admin.socket")
}

// removed checks that a removal, which printed out, stopped the server and kept the data.
func removed(m *machine, out, left string) {
	m.t.Helper()
	if !strings.Contains(out, "remain in /var/lib/rollcall") {
		m.t.Errorf("the removal does not say where the data are: %s", out)
	}
	m.want("systemctl is-active rollcall || true", "inactive")
	m.want("ls -d /var/lib/rollcall/accounts /var/lib/rollcall/seal.keys", "/var/lib/rollcall/accounts\n/var/lib/rollcall/seal.keys")
	m.want("ls /usr/bin/rollcall 2>/dev/null; ls /etc/rollcall 2>/dev/null || true", left)
}

// sockets hands the addresses over to systemd, and restarts the server while a client calls
// it all the time. No call fails.
func sockets(m *machine) {
	m.t.Helper()
	m.run("sh", "-c", "systemctl stop rollcall && systemctl enable --now rollcall.socket rollcall-admin.socket && systemctl start rollcall")
	m.want("rollcall healthcheck && rollcall healthcheck --url http://127.0.0.1:7580", "ready\nready")
	m.run("sh", "-c", `(while [ ! -e /root/done ]; do curl -fsS --max-time 60 -o /dev/null http://127.0.0.1:7580/healthz || echo failed; done) >/root/calls 2>&1 & echo $! >/root/caller
		systemctl restart rollcall && rollcall healthcheck && touch /root/done && while [ -e /proc/$(cat /root/caller) ]; do sleep 0.1; done`)
	m.want("cat /root/calls", "")
}

var overall = regexp.MustCompile(`Overall exposure level for rollcall.service: ([0-9.]+)`)

// exposure checks the restrictions of the running unit.
func exposure(t *testing.T, m *machine) {
	t.Helper()
	out := m.run("systemd-analyze", "security", "--no-pager", "rollcall")
	found := overall.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("systemd-analyze security: %s", out)
	}
	if level, err := strconv.ParseFloat(found[1], 64); err != nil || level >= 2.5 {
		t.Errorf("the exposure is %s, want less than 2.5", found[1])
	}
}
