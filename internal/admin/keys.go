package admin

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
)

// NewKey is a key to add. Without a secret and a public key, an HMAC key is made.
type NewKey struct {
	Secret    string `json:"secret,omitempty"`     // HMAC key as text, at most 4096 bytes
	PublicKey string `json:"public_key,omitempty"` // ECDSA public key in PEM, at most 4096 bytes
}

// CreatedKey is a key that was added.
type CreatedKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret,omitempty"` // the HMAC key, if it was made here; it is not shown again
}

// newKey returns the key of a secret or of a public key. If both are empty it
// makes a secret and returns that too.
func newKey(secret, publicKey string) (key account.Key, made string, err error) {
	switch {
	case secret != "" && publicKey != "":
		return key, "", bad("give a secret or a public_key, not both")
	case publicKey != "":
		return account.Key{Kind: account.ECDSAKey, Secret: publicKey}, "", nil
	case secret == "":
		secret = directory.NewSecret()
		made = secret
	}
	key, err = account.ReadKey(secret)
	switch {
	case err != nil:
		return account.Key{}, "", bad("secret: " + err.Error())
	case key.Kind != account.HMACKey:
		return account.Key{}, "", bad("secret: it is a public key; give it as public_key")
	case key.Secret != secret:
		return account.Key{}, "", bad("secret: white space or a byte order mark stands around it; leave it out")
	}
	return key, made, nil
}

func (s *Server) addKey(ctx context.Context, c *call, req NewKey) (CreatedKey, error) {
	id, err := c.app()
	if err != nil {
		return CreatedKey{}, err
	}
	key, made, err := newKey(req.Secret, req.PublicKey)
	if err != nil {
		return CreatedKey{}, err
	}
	app, err := s.dir.AddKey(ctx, c.actor(), id, key)
	if err != nil {
		return CreatedKey{}, err
	}
	return CreatedKey{showKey(app.Keys[len(app.Keys)-1]), made}, nil
}

// Retirement says when the use of a key ends.
type Retirement struct {
	At Time `json:"at,omitzero"` // now if absent
}

func (s *Server) retireKey(ctx context.Context, c *call, req Retirement) (Key, error) {
	id, err := c.app()
	if err != nil {
		return Key{}, err
	}
	app, err := s.dir.RetireKey(ctx, c.actor(), id, c.r.PathValue("id"), time.Time(req.At))
	if err != nil {
		return Key{}, err
	}
	i := slices.IndexFunc(app.Keys, func(k account.Key) bool { return k.ID == c.r.PathValue("id") })
	return showKey(app.Keys[i]), nil
}
