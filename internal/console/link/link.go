// Package link keeps the codes of links that log in to the console once. A developer's
// server prints such a link, so that nobody has to copy a token.
package link

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// Limits of codes.
const (
	Lifetime = 24 * time.Hour // validity of a code
	MaxCodes = 16             // codes that are valid at a time
)

// Links has the codes of one token. It keeps them in memory, so they end with the process.
// It is safe for concurrent use.
type Links struct {
	token string

	mu    sync.Mutex
	codes []code // the oldest first; at most MaxCodes
}

// A code is one code of a link. Only its hash is kept: hashes have the same length, so their
// comparison takes the same time for any text.
type code struct {
	hash    [sha256.Size]byte
	expires time.Time
}

// New returns Links that log in with the token of the given text.
func New(token string) *Links { return &Links{token: token} }

// Code returns a new random code. It is valid once, for [Lifetime]. If there are [MaxCodes]
// codes already, the oldest one becomes invalid. The code has 26 letters and digits, which a
// URL carries as they are.
func (l *Links) Code() string {
	text := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.codes = append(l.codes, code{sha256.Sum256([]byte(text)), time.Now().Add(Lifetime)})
	if len(l.codes) > MaxCodes {
		l.codes = l.codes[1:]
	}
	return text
}

// Redeem returns the text of the token if code is valid, and makes it invalid. Of several
// calls with one code, exactly one succeeds.
func (l *Links) Redeem(code string) (tokenText string, ok bool) {
	hash := sha256.Sum256([]byte(code))
	l.mu.Lock()
	defer l.mu.Unlock()
	found := -1
	for i := range l.codes { // all of them, so that the time does not depend on the code
		if subtle.ConstantTimeCompare(l.codes[i].hash[:], hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return "", false
	}
	valid := time.Now().Before(l.codes[found].expires)
	l.codes = append(l.codes[:found], l.codes[found+1:]...)
	if !valid {
		return "", false
	}
	return l.token, true
}
