package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/usersig"
)

// Validity of the UserSigs that a client makes. The vendor advises a day at least
// (protocol.md §2.5).
const (
	sigValidity = 24 * time.Hour
	sigReserve  = time.Hour // a new UserSig is made this long before the expiry, or a tenth of the validity if that is less
)

// A Signer returns a UserSig of the client's app and admin, and the time at which it
// expires. It is for keys outside the program. A client calls its Signer when it needs
// a new UserSig, and never calls it concurrently. The Signer must return a newly made
// UserSig.
type Signer func(ctx context.Context) (usersig string, expires time.Time, err error)

// KeySigner returns a Signer for a key of either kind. An ECDSA private key signs
// UserSigs of version 1, which apps from before August 2019 may need.
func KeySigner(key usersig.Key, sdkAppID uint32, admin string) Signer {
	return func(context.Context) (string, time.Time, error) {
		now := time.Now()
		sig, err := usersig.Sign(key, usersig.Claims{
			SDKAppID: sdkAppID, Identifier: admin, IssuedAt: now, Validity: sigValidity,
		})
		return sig, now.Add(sigValidity), err
	}
}

// A sigCache caches the UserSig of a Signer until shortly before it expires.
type sigCache struct {
	sign  Signer
	turn  chan struct{} // a lock that a context can end waiting for; guards the fields below
	text  string
	renew time.Time
}

func newSigCache(sign Signer) *sigCache {
	c := &sigCache{sign: sign, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// get returns a UserSig other than refused. refused is "" if the server refused none.
func (c *sigCache) get(ctx context.Context, refused string) (string, error) {
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now := time.Now()
	if c.text != "" && c.text != refused && now.Before(c.renew) {
		return c.text, nil
	}
	text, expires, err := c.sign(ctx)
	if err != nil {
		return "", fmt.Errorf("making a UserSig: %w", err)
	}
	if text == "" {
		return "", errors.New("making a UserSig: the Signer returned none")
	}
	c.text, c.renew = text, expires.Add(-min(sigReserve, expires.Sub(now)/10))
	return text, nil
}

// forget makes the next get return another UserSig than text.
func (c *sigCache) forget(ctx context.Context, text string) {
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return
	}
	if c.text == text {
		c.text = ""
	}
}
