package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"rollcall/internal/intercept"
	"rollcall/internal/server"
)

// caCmd works on the local CA of a data directory, which "rollcall serve --tls-local"
// creates.
type caCmd struct {
	Path      caPathCmd      `cmd:"" help:"Print the name of the file with the CA's certificate."`
	Print     caPrintCmd     `cmd:"" help:"Print the CA's certificate."`
	Renew     caRenewCmd     `cmd:"" help:"Replace the CA and the server's certificate by new ones."`
	Install   caInstallCmd   `cmd:"" help:"Let this computer trust the CA."`
	Uninstall caUninstallCmd `cmd:"" help:"Let this computer trust the CA no longer."`
}

// localCA names a data directory.
type localCA struct {
	Data string `default:"./rollcall-data" placeholder:"DIR" given:"" help:"Data directory of the server (default: ${default})."`
}

// read returns the file of the CA and its certificate in PEM. It refuses a file that is no
// local CA, and returns nothing else of the file, such as a certificate without limits.
func (c *localCA) read() (file string, text []byte, err error) {
	ca, err := intercept.Read(c.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s has no local CA: create one with \"rollcall ca renew\" or \"rollcall serve --tls-local\", or name the server's directory with --data", c.Data)
	} else if err != nil {
		return "", nil, err
	}
	if file, err = filepath.Abs(intercept.CAFile(c.Data)); err != nil {
		return "", nil, err
	}
	return file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), nil
}

type caPathCmd struct{ localCA }

// Help is shown by rollcall ca path --help.
func (caPathCmd) Help() string {
	return `The settings of most languages take the name of this file:

  curl --cacert            PHP  openssl.cafile and curl.cainfo in php.ini
  Go   SSL_CERT_FILE       Python  REQUESTS_CA_BUNDLE, SSL_CERT_FILE
  Node NODE_EXTRA_CA_CERTS Ruby    SSL_CERT_FILE

Examples:
  rollcall ca path
  NODE_EXTRA_CA_CERTS=$(rollcall ca path) node app.js`
}

// Run prints the name.
func (c *caPathCmd) Run(env *environment) error {
	file, _, err := c.read()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, file)
	return err
}

type caPrintCmd struct{ localCA }

// Help is shown by rollcall ca print --help.
func (caPrintCmd) Help() string {
	return `The certificate is in PEM. It is no secret.

Examples:
  rollcall ca print
  rollcall ca print | openssl x509 -noout -text`
}

// Run prints the certificate.
func (c *caPrintCmd) Run(env *environment) error {
	_, text, err := c.read()
	if err != nil {
		return err
	}
	_, err = env.stdout.Write(text)
	return err
}

type caRenewCmd struct {
	localCA
	Intercept []string `placeholder:"NAME" given:"" help:"A further host name; may be repeated. Names of the present CA are kept."`
}

// Help is shown by rollcall ca renew --help.
func (caRenewCmd) Help() string {
	return `Creates a CA and a certificate that it signs for the hosts of the vendor's data
centres, localhost, 127.0.0.1, ::1 and further names. Both are valid for 90 days. The
CA is limited to the vendor's domains, those names and this machine, and its key is
not kept. A server that runs with --tls-local serves the new certificate within
seconds. Clients must then trust the new CA.

Examples:
  rollcall ca renew
  rollcall ca renew --data /var/lib/rollcall --intercept api.example.com`
}

// Run creates the files.
func (c *caRenewCmd) Run(env *environment) error {
	names := c.Intercept
	if old, err := intercept.Read(c.Data); err == nil {
		names = append(names, intercept.AddedNames(old)...)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a, err := intercept.NewAuthority(names, time.Now())
	if err != nil {
		return &usageError{fmt.Errorf("--intercept: %w", err)}
	}
	if err := server.MakeDataDir(c.Data); err != nil {
		return err
	}
	if err := a.Write(c.Data); err != nil {
		return err
	}
	file, _, err := c.read()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, file)
	return err
}
