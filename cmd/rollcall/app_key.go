package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
)

// appKeyCmd works on the keys of an app.
type appKeyCmd struct {
	Add    appKeyAddCmd    `cmd:"" help:"Add a key."`
	List   appKeyListCmd   `cmd:"" help:"List keys by their fingerprints."`
	Retire appKeyRetireCmd `cmd:"" help:"Retire a key."`
	Reseal appKeyResealCmd `cmd:"" help:"Seal the keys of all apps with the newest sealing key."`
}

type appKeyAddCmd struct {
	appArgument
	File     string `placeholder:"FILE" default:"-" given:"" help:"Existing file of the key; - reads standard input (default: ${default})."`
	Generate bool   `help:"Let the server make an HMAC key and show it once."`
}

// Help is shown by rollcall app key add --help.
func (appKeyAddCmd) Help() string {
	return `The key is a secret key as text or an ECDSA public key in PEM. It is never an
argument, since other users of the machine can see those. Several keys may be
active, so that a key is changed without a gap: add the new one, give it to all
that sign, retire the old one.

Examples:
  rollcall app key add < key.txt
  rollcall app key add --file public.pem
  rollcall app key add --generate`
}

func (c *appKeyAddCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	if g.KeyFile != "" {
		return &usageError{errors.New("--key-file is for what signs calls, and nothing is signed here: give the key to add with --file")}
	}
	file := c.File
	if c.Generate {
		file = ""
	}
	secret, publicKey, err := newKey(env, file, true)
	if err != nil {
		return err
	}
	api, app, err := g.change(env, c.App)
	if err != nil {
		return err
	}
	added, err := api.AddKey(ctx, app, client.NewKey{Secret: secret, PublicKey: publicKey})
	if err != nil {
		return err
	}
	if g.Output == "json" {
		return printJSON(env.stdout, added)
	}
	return errors.Join(printThing(env.stdout, g.Output, nil, keyProperties(added.Key)), showSecret(env.stdout, "secret", added.Secret))
}

// newKey reads the file of a new key. It returns the text of an HMAC key or a public key,
// and neither if there is no file. added selects the flag that errors name: --file of
// "app key add" or, if false, --new-key of "app create".
func newKey(env *environment, file string, added bool) (secret, publicKey string, err error) {
	if file == "" {
		return "", "", nil
	}
	flag, otherwise := "--new-key", "leave --new-key out and the server makes one"
	if added {
		flag, otherwise = "--file", "give --generate and the server makes one"
	}
	b, err := readFile(file, env.stdin)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", &usageError{fmt.Errorf("%s: %s does not exist; write a key into it, or %s", flag, file, otherwise)}
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", flag, err)
	}
	key, err := account.ReadKey(string(b))
	if err != nil {
		return "", "", &usageError{fmt.Errorf("%s: %w", flag, err)}
	}
	if key.Kind == account.ECDSAKey {
		return "", key.Secret, nil
	}
	return key.Secret, "", nil
}

func keyProperties(k client.Key) []property {
	return []property{
		{"id", k.ID},
		{"kind", k.Kind},
		{"created_at", moment(k.CreatedAt)},
		{"retired_at", moment(k.RetiredAt)},
		{"fingerprint", k.Fingerprint},
	}
}

type appKeyListCmd struct{ appArgument }

// Help is shown by rollcall app key list --help.
func (appKeyListCmd) Help() string {
	return `The fingerprint is the beginning of the SHA-256 of the key:
  printf %s "$(cat key.txt)" | sha256sum | cut -c -16

Examples:
  rollcall app key list
  rollcall app key list 1400000002 --output json`
}

func (c *appKeyListCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	a, err := g.read(ctx, env, c.App)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, each(a.Keys), []column[client.Key]{
		{"ID", func(k client.Key) string { return k.ID }},
		{"KIND", func(k client.Key) string { return k.Kind }},
		{"CREATED", func(k client.Key) string { return moment(k.CreatedAt) }},
		{"RETIRED", func(k client.Key) string { return moment(k.RetiredAt) }},
		{"FINGERPRINT", func(k client.Key) string { return k.Fingerprint }},
	})
}

type appKeyRetireCmd struct {
	ID string `arg:"" live:"keys" name:"key" given:"" help:"Id of the key, as app key list shows it."`
	appArgument
	In time.Duration `placeholder:"DURATION" help:"Not now but after this time, as 24h or 7d."`
	confirmation
}

// Help is shown by rollcall app key retire --help.
func (appKeyRetireCmd) Help() string {
	return `UserSigs of the key are refused from then on. The time of
--in can be changed until it has come. A retired key does not come back. If the app has
no other active key, nobody can call it afterwards. The command then asks first on a
terminal, and needs --yes in a script.

Examples:
  rollcall app key retire 1
  rollcall app key retire 1 --in 24h
  rollcall app key retire 1 --yes`
}

func (c *appKeyRetireCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	api, app, err := g.change(env, c.App)
	if err != nil {
		return err
	}
	if err := c.confirmLast(ctx, env, api, app); err != nil {
		return err
	}
	key, err := api.RetireKey(ctx, app, c.ID, expiry(c.In))
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, key, keyProperties(*key))
}

// confirmLast asks before the app's only active key is retired.
func (c *appKeyRetireCmd) confirmLast(ctx context.Context, env *environment, api *client.AdminClient, app uint32) error {
	a, err := api.App(ctx, app)
	if err != nil {
		return err
	}
	now, last := time.Now(), false
	for _, k := range a.Keys {
		if k.ID == c.ID {
			last = active(k, now)
		} else if active(k, now.Add(c.In)) {
			return nil
		}
	}
	if !last {
		return nil // the server says that the key does not exist or is retired
	}
	return c.confirm(ctx, env, fmt.Sprintf("this retires the only active key of app %d, and nobody can call it then; add another key first with \"rollcall app key add\"", app))
}

type appKeyResealCmd struct{}

// Help is shown by rollcall app key reseal --help.
func (appKeyResealCmd) Help() string {
	return `A server keeps the secret keys of apps sealed, with the last key of its file of
sealing keys. After you have added a line to that file and the server has read it, on
SIGHUP or at a start, this command seals every secret with the new key. Remove the old
line only then. Calls are answered meanwhile, and the keys themselves stay as they are. The command needs an admin
token with the scope admin.

Examples:
  rollcall app key reseal
  rollcall app key reseal --output json`
}

func (appKeyResealCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	g.target(env, 0)
	n, err := api.ResealKeys(ctx)
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]int{"resealed": n}, []property{{"resealed", strconv.Itoa(n)}})
}
