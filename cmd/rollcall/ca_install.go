package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// installed is the name of the CA's file in the store of the system.
const installed = "rollcall-local-ca.crt"

// A systemStore is the place where Debian keeps certificates that its owner trusts.
type systemStore struct {
	dir    string // of the certificates
	update string // the program that reads them
	owner  func() bool
}

// debian is the store of this computer.
var debian = systemStore{"/usr/local/share/ca-certificates", "update-ca-certificates", func() bool { return os.Geteuid() == 0 }}

type caInstallCmd struct{ localCA }

// Help is shown by rollcall ca install --help.
func (caInstallCmd) Help() string {
	return `Copies the CA's certificate to /usr/local/share/ca-certificates and calls
update-ca-certificates, on Debian and the systems derived from it. On others it says
what to do. The command needs root. Another local CA of Rollcall that is installed is replaced.
Node, Java and browsers have stores of their own.

Examples:
  sudo rollcall ca install
  sudo rollcall ca install --data /var/lib/rollcall`
}

// Run installs the CA.
func (c *caInstallCmd) Run(ctx context.Context, env *environment) error {
	file, pem, err := c.read()
	if err != nil {
		return err
	}
	return debian.install(ctx, env, file, pem)
}

type caUninstallCmd struct{}

// Help is shown by rollcall ca uninstall --help.
func (caUninstallCmd) Help() string {
	return `The command removes what "rollcall ca install" has installed. It needs root.

Examples:
  sudo rollcall ca uninstall`
}

// Run removes the CA.
func (*caUninstallCmd) Run(ctx context.Context, env *environment) error {
	return debian.uninstall(ctx, env)
}

// install adds the certificate pem of file to the store.
func (s systemStore) install(ctx context.Context, env *environment, file string, pem []byte) error {
	if _, err := exec.LookPath(s.update); err != nil {
		return fmt.Errorf("there is no %s on this system: add %s to its trusted certificates by hand, on Fedora with \"cp FILE /etc/pki/ca-trust/source/anchors && update-ca-trust\", on macOS with \"security add-trusted-cert -d -k /Library/Keychains/System.keychain FILE\"", s.update, file)
	}
	if !s.owner() {
		return fmt.Errorf("only root can change the certificates of the system: sudo rollcall ca install --data %s", filepath.Dir(file))
	}
	target := filepath.Join(s.dir, installed)
	if err := os.WriteFile(target, pem, 0o644); err != nil {
		return err
	}
	if err := s.read(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stdout, "installed %s as %s\n", file, target)
	return err
}

// uninstall removes the certificate from the store.
func (s systemStore) uninstall(ctx context.Context, env *environment) error {
	target := filepath.Join(s.dir, installed)
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		_, err := fmt.Fprintln(env.stdout, "no local CA is installed")
		return err
	}
	if !s.owner() {
		return errors.New("only root can change the certificates of the system: sudo rollcall ca uninstall")
	}
	if err := os.Remove(target); err != nil {
		return err
	}
	if err := s.read(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.stdout, "removed", target)
	return err
}

// read calls the program that reads the certificates of the store.
func (s systemStore) read(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, s.update).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", s.update, err, strings.TrimSpace(string(out)))
	}
	return nil
}
