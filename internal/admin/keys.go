package admin

import (
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
)

// newKey returns the key of a secret or of a public key. If both are empty, it creates a
// secret and returns that in made.
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

func (s *Server) addKey(ctx context.Context, c *call, req adminapi.NewKey) (adminapi.CreatedKey, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.CreatedKey{}, err
	}
	key, made, err := newKey(req.Secret, req.PublicKey)
	if err != nil {
		return adminapi.CreatedKey{}, err
	}
	app, err := s.dir.AddKey(ctx, c.actor(), id, key)
	if err != nil {
		return adminapi.CreatedKey{}, err
	}
	return adminapi.CreatedKey{Key: showKey(app.Keys[len(app.Keys)-1]), Secret: made}, nil
}

func (s *Server) retireKey(ctx context.Context, c *call, req adminapi.Retirement) (adminapi.Key, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.Key{}, err
	}
	app, err := s.dir.RetireKey(ctx, c.actor(), id, c.param("id"), req.At)
	if err != nil {
		return adminapi.Key{}, err
	}
	i := slices.IndexFunc(app.Keys, func(k account.Key) bool { return k.ID == c.param("id") })
	return showKey(app.Keys[i]), nil
}
