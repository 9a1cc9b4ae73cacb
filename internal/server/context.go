package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/durable"
	"rollcall/internal/intercept"
	"rollcall/internal/private"
	"rollcall/usersig"
)

// ContextFile is the name of the file in the data directory that contains the address of
// the server and a key to sign with, for clients. Its mode is 0600, because the key is a
// secret.
const ContextFile = "context.json"

// A Context is the content of a [ContextFile].
type Context struct {
	URL      string `json:"url"`
	SDKAppID uint32 `json:"sdkappid"`
	Key      string `json:"key,omitempty"` // HMAC secret; if it is empty, NoKey says why
	Admin    string `json:"admin"`

	// KeyFile is the file that contains Key. The context file then does not contain Key.
	KeyFile string `json:"key_file,omitempty"`

	// NoKey says why there is no Key and what to do, in one sentence.
	NoKey string `json:"no_key,omitempty"`

	// CA is the file of the certificate of the local CA, which clients must trust. It is
	// empty if the server has no local CA.
	CA string `json:"ca,omitempty"`

	// AdminToken is a token of the admin API. It is empty if the server created none.
	AdminToken string `json:"admin_token,omitempty"`
}

// newContext returns the context of a client that calls app. It does not copy a key of
// --key-file: the store contains that key sealed, and a copy of the data directory must
// not reveal it.
func (s *Server) newContext(app *account.App) (*Context, error) {
	c := &Context{URL: s.url(), SDKAppID: uint32(app.ID), Admin: s.o.Admin}
	if s.o.TLSLocal {
		file, err := filepath.Abs(intercept.CAFile(s.o.Data))
		if err != nil {
			return nil, err
		}
		c.CA = file
	}
	if c.Admin == "" && len(app.Admins) > 0 { // a damaged record can lack them
		c.Admin = string(app.Admins[0])
	}
	if file := s.o.KeyFile; file != "" {
		if s.key.Kind != account.HMACKey {
			c.NoKey = noKeyPublic
			return c, nil
		}
		file, err := filepath.Abs(file)
		c.Key, c.KeyFile = s.key.Secret, file
		return c, err
	}
	active := app.ActiveKeys(s.dir.Now(app.ID))
	for _, k := range active {
		if k.Kind == account.HMACKey {
			c.Key = k.Secret // the newest key comes last
		}
	}
	switch {
	case len(active) == 0:
		c.NoKey = noKeyActive
	case c.Key == "":
		c.NoKey = noKeyPublic
	}
	return c, nil
}

// Values of [Context.NoKey].
const (
	noKeyActive = `the app has no active key: add one with "rollcall app key add --generate", and restart the server`
	noKeyPublic = "the server has only public keys of the app: sign with the private key"
)

// write writes the context file in dir, durably and in one step.
func (c Context) write(dir string) error {
	if c.KeyFile != "" {
		c.Key = ""
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(dir, ContextFile), append(b, '\n'))
}

// ReadContext reads a context file, and the file of the key if the context names one. The
// context file must belong to the caller, and nobody besides the caller may have access
// to it. If the file of the key cannot be read, Key is empty and NoKey says why.
func ReadContext(file string) (*Context, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private.File(file, info); err != nil {
		return nil, err
	}
	c := new(Context)
	if err := json.NewDecoder(f).Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if c.KeyFile != "" {
		key, err := readKey(c.KeyFile)
		switch {
		case err != nil:
			c.NoKey = "the key's file cannot be read: " + err.Error()
		case key.Kind == account.HMACKey:
			c.Key = key.Secret
		default:
			c.NoKey = noKeyPublic
		}
	}
	return c, nil
}

// signatureDays is the validity, in days, of signatures for people. The vendor's console
// uses the same.
const signatureDays = 180

// Curl returns a shell command that imports an account, including a signature. It
// returns "" if there is no key to sign with.
func (c *Context) Curl() (string, error) {
	if c.Key == "" {
		return "", nil
	}
	sig, err := usersig.Sign(usersig.HMACKey(c.Key), usersig.Claims{
		SDKAppID: c.SDKAppID, Identifier: c.Admin, Validity: signatureDays * 24 * time.Hour,
	})
	if err != nil {
		return "", err
	}
	trust := ""
	if c.CA != "" {
		trust = "--cacert " + shellWord(c.CA) + " "
	}
	return fmt.Sprintf(`curl %s-d '{"UserID":"alice","Nick":"Alice"}' '%s/v4/im_open_login_svc/account_import?sdkappid=%d&identifier=%s&usersig=%s&random=1&contenttype=json'`,
		trust, c.URL, c.SDKAppID, url.QueryEscape(c.Admin), sig), nil
}
