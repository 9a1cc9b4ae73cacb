package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/server"
	"rollcall/usersig"
)

// sigCmd works on UserSigs, without a server.
type sigCmd struct {
	Make    sigMakeCmd    `cmd:"" help:"Sign a UserSig and print it."`
	Verify  sigVerifyCmd  `cmd:"" help:"Tell whether a UserSig is valid; exit code 1 if it is not."`
	Explain sigExplainCmd `cmd:"" help:"Tell, step by step, what is right and wrong with a UserSig."`
}

// credentials are the values that make or check a signature. A value that is not given
// comes from the context file of a server.
type credentials struct {
	SDKAppID   uint32 `live:"apps" name:"sdkappid" placeholder:"N" given:"" help:"The app (default: from the context)."`
	Identifier string `placeholder:"USERID" given:"" help:"The user (default: the admin of the context)."`
	KeyFile    string `placeholder:"FILE" given:"" help:"Secret key of the app, or an ECDSA key in PEM; - reads it from standard input (default: from the context)."`
	Context    string `env:"ROLLCALL_CONTEXT" placeholder:"FILE" given:"" help:"Context file of a server (default: ./rollcall-data/context.json)."`
	Output     string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`

	key givenKey // set by complete
}

// A givenKey contains the source and the fingerprint of a key.
type givenKey struct {
	from        string // a flag or a file
	fingerprint string // of a secret key; "" for another one
}

// defaultContext is the context file that "rollcall serve" writes by default.
var defaultContext = filepath.Join("rollcall-data", server.ContextFile)

// complete fills in values that no flag gives from the context file. It returns the key,
// or no key if neither a flag nor the context file has one for the app.
func (c *credentials) complete(stdin io.Reader, parse func([]byte) (usersig.Key, error)) ([]usersig.Key, error) {
	saved, err := readContext(c.Context)
	if err != nil {
		return nil, err
	}
	if c.KeyFile == "" && (c.SDKAppID == 0 || c.SDKAppID == saved.SDKAppID) && saved.Key != "" {
		c.fill(saved)
		c.key = givenKey{cmp.Or(c.Context, defaultContext), account.Key{Secret: saved.Key}.Fingerprint()}
		return []usersig.Key{usersig.HMACKey(saved.Key)}, nil
	}
	c.fill(saved)
	if c.KeyFile == "" {
		return nil, nil
	}
	text, err := readFile(c.KeyFile, stdin)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	key, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("--key-file %s: %w", c.KeyFile, err)
	}
	c.key.from = "--key-file " + c.KeyFile
	if k, err := account.ReadKey(string(text)); err == nil && k.Kind == account.HMACKey {
		c.key.fingerprint = k.Fingerprint()
	}
	return []usersig.Key{key}, nil
}

func (c *credentials) fill(saved *server.Context) {
	if c.SDKAppID == 0 {
		c.SDKAppID = saved.SDKAppID
	}
	if c.Identifier == "" && c.SDKAppID == saved.SDKAppID {
		c.Identifier = saved.Admin
	}
}

// parseKey reads a secret key, or an ECDSA key in PEM, public or private.
func parseKey(text []byte) (usersig.Key, error) {
	if strings.Contains(string(text), "PRIVATE KEY-----") {
		return usersig.ParsePrivateKey(text)
	}
	key, err := account.ReadKey(string(text))
	if err != nil {
		return usersig.Key{}, err
	}
	return key.Verifier()
}

// parseSigningKey is parseKey for a key that signs. It refuses a public key.
func parseSigningKey(text []byte) (usersig.Key, error) {
	if s := string(text); strings.Contains(s, "PUBLIC KEY-----") && !strings.Contains(s, "PRIVATE KEY-----") {
		return usersig.Key{}, errors.New("it is a public key, which only verifies: give the private key")
	}
	return parseKey(text)
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, 1<<20))
	}
	return os.ReadFile(name)
}

type sigMakeCmd struct {
	credentials
	Expire time.Duration `default:"180d" help:"How long it is valid, as 24h (default: ${default})."`
}

// Help is shown by rollcall sig make --help.
func (sigMakeCmd) Help() string {
	return `Whoever holds a UserSig can act as its user until it expires. A secret key makes
one of version 2 (HMAC-SHA256), an ECDSA private key one of version 1.

Examples:
  rollcall sig make   # for the admin of the server in ./rollcall-data
  rollcall sig make --identifier alice --expire 24h
  rollcall sig make --sdkappid 1400000000 --identifier alice --key-file key.txt`
}

func (c *sigMakeCmd) Run(env *environment) error {
	if c.Expire < time.Second {
		return &usageError{fmt.Errorf("--expire is %v, so the UserSig would be expired from the start: give at least 1s, as 24h", c.Expire)}
	}
	keys, err := c.complete(env.stdin, parseSigningKey)
	if err != nil {
		return err
	}
	if len(keys) == 0 || c.SDKAppID == 0 || c.Identifier == "" {
		return &usageError{errors.New("give --sdkappid, --identifier and --key-file, or start a server first and use its context")}
	}
	sig, err := usersig.Sign(keys[0], usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Identifier, Validity: c.Expire})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(env.stdout, map[string]any{"usersig": sig, "sdkappid": c.SDKAppID, "identifier": c.Identifier, "expire": int64(c.Expire.Seconds())})
	}
	fmt.Fprintln(env.stdout, sig)
	return nil
}
