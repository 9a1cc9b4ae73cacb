package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/usersig"
)

// Life of the UserSigs that a client makes. The vendor advises a day at least
// (protocol.md §2.5).
const (
	sigValidity = 24 * time.Hour
	sigReserve  = time.Hour // renewed this long before it expires, or at nine tenths of a shorter life
)

// A Signer returns a UserSig of the client's app and admin, and when it expires.
// It is for keys that live elsewhere. It is called when a client has no UserSig
// or needs a new one, never twice at once, and must return a newly made one.
type Signer func(ctx context.Context) (usersig string, expires time.Time, err error)

// KeySigner returns a Signer for a key of either kind: an ECDSA private key
// signs version 1, as apps made before August 2019 may need.
func KeySigner(key usersig.Key, sdkAppID uint32, admin string) Signer {
	return func(context.Context) (string, time.Time, error) {
		now := time.Now()
		sig, err := usersig.Sign(key, usersig.Claims{
			SDKAppID: sdkAppID, Identifier: admin, IssuedAt: now, Validity: sigValidity,
		})
		return sig, now.Add(sigValidity), err
	}
}

// A sigCache keeps the UserSig of a Signer until shortly before it expires.
type sigCache struct {
	sign  Signer
	turn  chan struct{} // holds one token; who has it may use what follows
	text  string
	renew time.Time
}

func newSigCache(sign Signer) *sigCache {
	c := &sigCache{sign: sign, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// get returns a UserSig other than refused, which is "" when none was refused.
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
