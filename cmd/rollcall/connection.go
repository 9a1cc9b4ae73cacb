package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"rollcall/client"
	"rollcall/internal/server"
	"rollcall/usersig"
)

// A connection contains the server and the app of a command. A value that is not given
// comes from the environment or, failing that, from the context file of a server. Secrets
// come from files or the environment, because other users can see arguments.
type connection struct {
	Context        string        `env:"ROLLCALL_CONTEXT" placeholder:"FILE" given:"" help:"Context file of a server (default: ./rollcall-data/context.json)."`
	URL            string        `name:"url" env:"ROLLCALL_URL" placeholder:"URL" given:"" help:"The server, as https://rollcall.example.com."`
	SDKAppID       uint32        `live:"apps" name:"sdkappid" env:"ROLLCALL_SDKAPPID" placeholder:"N" given:"" help:"The app."`
	KeyFile        string        `placeholder:"FILE" given:"" help:"Secret key of the app, or its ECDSA private key in PEM; - reads it from standard input. $ROLLCALL_KEY holds the key itself."`
	Admin          string        `env:"ROLLCALL_ADMIN" placeholder:"USERID" given:"" help:"The admin of the app to sign as (default: administrator)."`
	AdminTokenFile string        `placeholder:"FILE" given:"" help:"Token of the admin API; - reads it from standard input. $ROLLCALL_ADMIN_TOKEN holds the token itself."`
	CA             string        `name:"ca" env:"ROLLCALL_CA" placeholder:"FILE" given:"" help:"Certificates in PEM to trust besides the system's."`
	Timeout        time.Duration `default:"30s" given:"a duration above 0, as 30s" help:"How long one call may take, with all its repeats (default: ${default})."`
	Output         string        `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`

	saved  *server.Context // values of the context file that apply; set by complete
	unused string          // why no key, token or app of the context file applies, or ""
}

// connectionGroup is the heading of these flags in --help, below a command's own.
const connectionGroup = "connection"

// Environment variables. Those that hold secrets have no flag.
const (
	urlVariable   = "ROLLCALL_URL"
	caVariable    = "ROLLCALL_CA"
	keyVariable   = "ROLLCALL_KEY"
	tokenVariable = "ROLLCALL_ADMIN_TOKEN"
)

// complete fills in missing values from the context file. It uses the context only for
// its own server and app:
//   - With a different URL it uses nothing, so that neither the token nor a signature is
//     sent to another server.
//   - With a different app it uses neither the key nor the admin.
func (c *connection) complete() error {
	c.saved = new(server.Context)
	saved, err := readContext(c.Context)
	if err != nil {
		return err
	}
	file := cmp.Or(c.Context, defaultContext)
	if c.URL != "" && strings.TrimRight(c.URL, "/") != saved.URL {
		if saved.URL != "" {
			c.unused = fmt.Sprintf("the context file %s is for %s, not for %s", file, saved.URL, c.URL)
		}
		return nil
	}
	c.URL, c.saved.AdminToken = saved.URL, saved.AdminToken
	if c.CA == "" {
		c.CA = saved.CA
	}
	if c.SDKAppID != 0 && c.SDKAppID != saved.SDKAppID {
		if saved.SDKAppID != 0 {
			c.unused = fmt.Sprintf("the key in the context file %s is for app %d", file, saved.SDKAppID)
		}
		return nil
	}
	c.SDKAppID, c.saved.Key, c.saved.NoKey = saved.SDKAppID, saved.Key, saved.NoKey
	if c.Admin == "" {
		c.Admin = saved.Admin
	}
	return nil
}

// lacking returns the error of a missing value. It says why the context file does not
// supply the value, and what to do.
func (c *connection) lacking(what, remedy string) error {
	if c.unused == "" {
		return &usageError{fmt.Errorf("%s: %s", what, remedy)}
	}
	return &usageError{fmt.Errorf("%s: %s; %s", what, c.unused, remedy)}
}

// readContext reads a context file, or the one in ./rollcall-data if name is
// empty. Only one that was named must exist.
func readContext(name string) (*server.Context, error) {
	file := name
	if file == "" {
		file = defaultContext
	}
	saved, err := server.ReadContext(file)
	switch {
	case errors.Is(err, os.ErrNotExist) && name == "":
		return new(server.Context), nil
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("--context: there is no file %s: correct its name, or start the server that writes it", name)
	case err != nil:
		return nil, fmt.Errorf("--context: %w", err)
	}
	return saved, nil
}

// errNoServer is the error of a command without a server.
var errNoServer = &usageError{errors.New("no server: start one with \"rollcall serve\" in this directory, or give --url or --context")}

// server completes c and checks that it says which server to call.
func (c *connection) server() error {
	if err := c.complete(); err != nil {
		return err
	}
	if c.URL == "" {
		return errNoServer
	}
	if !isServerURL(c.URL) {
		return &usageError{errors.New("the address of the server (--url) is no URL: give one like https://rollcall.example.com, with nothing after its path")}
	}
	return nil
}

// isServerURL reports whether a text can be the address of a server.
func isServerURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// account returns a client of the account API.
func (c *connection) account(ctx context.Context, env *environment) (*client.Client, error) {
	return c.accountWith(ctx, env, 0)
}

// accountWith returns a client of the account API with a number of retries, as
// [client.Options] has it.
func (c *connection) accountWith(ctx context.Context, env *environment, retries int) (*client.Client, error) {
	if err := c.server(); err != nil {
		return nil, err
	}
	if c.SDKAppID == 0 {
		return nil, c.noApp()
	}
	hc, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	signer, err := c.signer(ctx, env)
	if err != nil {
		return nil, err
	}
	return client.New(client.Options{
		BaseURL: c.URL, SDKAppID: c.SDKAppID, Admin: c.Admin, Signer: signer,
		HTTPClient: hc, Timeout: c.Timeout, UserAgent: userAgent(), Retries: retries,
	})
}

// signer returns a signer for the app's admin.
func (c *connection) signer(ctx context.Context, env *environment) (client.Signer, error) {
	key, err := c.signingKey(env)
	if err != nil {
		return nil, err
	}
	sign := client.KeySigner(key, c.SDKAppID, c.Admin)
	if _, _, err := sign(ctx); err != nil {
		return nil, fmt.Errorf("the key: %w", err)
	}
	if c.saved.AdminToken == "" {
		return sign, nil
	}
	return c.appTimeSigner(key, sign), nil
}

// appTimeSigner returns a signer that signs with the time of a test app that has a clock of
// its own. For other apps, and if the server does not tell the time, it calls sign. It asks
// only a server whose token is in the context file.
func (c *connection) appTimeSigner(key usersig.Key, sign client.Signer) client.Signer {
	return func(ctx context.Context) (string, time.Time, error) {
		hc, err := c.httpClient()
		if err != nil {
			return "", time.Time{}, err
		}
		api, err := client.NewAdmin(client.AdminOptions{BaseURL: c.URL, Token: c.saved.AdminToken, HTTPClient: hc, Timeout: askTimeout, UserAgent: userAgent()})
		if err != nil {
			return "", time.Time{}, err
		}
		clock, err := api.Clock(ctx, c.SDKAppID)
		if err != nil || clock.OffsetMS == 0 {
			return sign(ctx)
		}
		const validity = 24 * time.Hour
		sig, err := usersig.Sign(key, usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Admin, IssuedAt: clock.Now, Validity: validity})
		return sig, time.Now().Add(validity), err
	}
}

// signingKey returns the key of the app, and sets the admin if none was given.
func (c *connection) signingKey(env *environment) (usersig.Key, error) {
	text, err := c.secret(env, c.KeyFile, "--key-file", keyVariable)
	if err != nil {
		return usersig.Key{}, err
	}
	if text == "" {
		text = c.saved.Key
	}
	if text == "" {
		return usersig.Key{}, c.noKey()
	}
	if c.Admin == "" {
		c.Admin = client.Administrator
	}
	key, err := parseSigningKey([]byte(text))
	if err != nil {
		return usersig.Key{}, fmt.Errorf("the key: %w", err)
	}
	return key, nil
}

// noApp returns the error of a missing app, with the flags to give.
func (c *connection) noApp() error {
	if c.unused != "" && c.KeyFile == "" && os.Getenv(keyVariable) == "" {
		return c.lacking("no app", "give --sdkappid and --key-file")
	}
	return c.lacking("no app", "give --sdkappid")
}

// noKey returns the error of a missing key, with the reason.
func (c *connection) noKey() error {
	const remedy = "give --key-file or $" + keyVariable
	if c.saved.NoKey == "" {
		return c.lacking("no key to sign with", remedy)
	}
	return &usageError{fmt.Errorf("no key to sign with: %s; or %s", c.saved.NoKey, remedy)}
}

// admin returns a client of the admin API.
func (c *connection) admin(env *environment) (*client.AdminClient, error) {
	if err := c.server(); err != nil {
		return nil, err
	}
	hc, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	token, err := c.adminToken(env)
	if err != nil {
		return nil, err
	}
	return client.NewAdmin(client.AdminOptions{
		BaseURL: c.URL, Token: token, HTTPClient: hc, Timeout: c.Timeout, UserAgent: userAgent(),
	})
}

// adminToken returns the token of the admin API.
func (c *connection) adminToken(env *environment) (string, error) {
	token, err := c.secret(env, c.AdminTokenFile, "--admin-token-file", tokenVariable)
	if err != nil {
		return "", err
	}
	if token = cmp.Or(token, c.saved.AdminToken); token == "" {
		return "", c.lacking("no admin token", "give --admin-token-file or $"+tokenVariable)
	}
	return token, nil
}

// secret reads a secret from the file of a flag. Without a file it reads a variable.
func (c *connection) secret(env *environment, file, flag, variable string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(variable)), nil
	}
	b, err := readFile(file, env.stdin)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("%s %s is empty", flag, file)
	}
	return text, nil
}

// httpClient returns an HTTP client that trusts --ca as well.
func (c *connection) httpClient() (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = maxInFlight
	if c.CA == "" {
		return &http.Client{Transport: t}, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca %s holds no certificate in PEM", c.CA)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}, nil
}

// app returns the app of the argument or, if that is 0, the app of the connection.
func (c *connection) app(argument uint32) (uint32, error) {
	if argument != 0 {
		return argument, nil
	}
	if c.SDKAppID == 0 {
		return 0, c.lacking("no app", "give --sdkappid")
	}
	return c.SDKAppID, nil
}

// target prints the server and the app that the command changes. An app of 0 stands for
// the server.
func (c *connection) target(env *environment, app uint32) {
	if app == 0 {
		fmt.Fprintf(env.stderr, "target: %s\n", c.URL)
		return
	}
	fmt.Fprintf(env.stderr, "target: %s, app %d\n", c.URL, app)
}

func userAgent() string { return "rollcall/" + version }

// adminApp returns a client of the admin API, and the app of the connection.
func (c *connection) adminApp(env *environment) (*client.AdminClient, uint32, error) {
	api, err := c.admin(env)
	if err != nil {
		return nil, 0, err
	}
	app, err := c.app(0)
	return api, app, err
}
