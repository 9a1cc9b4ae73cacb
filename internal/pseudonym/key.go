package pseudonym

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	mathrand "math/rand/v2"
)

// A Key replaces texts. It is safe for concurrent use. It exists in memory only.
type Key struct {
	secret [32]byte
}

// New returns a random key.
func New() *Key {
	k := new(Key)
	_, _ = rand.Read(k.secret[:]) // never fails
	return k
}

// rounds is the number of rounds of the permutation. Four make a Feistel network a
// pseudo-random permutation; the others are for short texts.
const rounds = 8

// A word is a text as a number with one digit for each replaced character. Each digit has
// a radix of its own, the number of characters of its kind.
type word struct {
	digits, radixes []uint32
	form            []byte // the rest of the text: kinds and kept characters
}

// replace replaces w by another word of the same form. It is a permutation of these words
// without a fixed point: it permutes, adds something other than 0 to one digit, and
// reverts the permutation.
func (k *Key) replace(w *word) {
	last := len(w.digits) - 1
	if last < 0 {
		return
	}
	for round := range rounds {
		k.round(w, round, add)
	}
	step := k.stream(w.form, nil, rounds).Uint32N(w.radixes[last]-1) + 1
	w.digits[last] = add(w.digits[last], step, w.radixes[last])
	for round := rounds - 1; round >= 0; round-- {
		k.round(w, round, subtract)
	}
}

// round changes the digits of one half by an amount that depends on the other half.
func (k *Key) round(w *word, round int, change func(digit, by, radix uint32) uint32) {
	half := len(w.digits) / 2
	from, to, radixes := w.digits[:half], w.digits[half:], w.radixes[half:]
	if round%2 == 1 {
		from, to, radixes = to, from, w.radixes[:half]
	}
	amounts := k.stream(w.form, from, round)
	for i, radix := range radixes {
		to[i] = change(to[i], amounts.Uint32N(radix), radix)
	}
}

func add(digit, by, radix uint32) uint32      { return (digit + by) % radix }
func subtract(digit, by, radix uint32) uint32 { return (digit + radix - by) % radix }

// stream returns random numbers that depend on the key and on all arguments.
func (k *Key) stream(form []byte, digits []uint32, round int) *mathrand.Rand {
	mac := hmac.New(sha256.New, k.secret[:])
	b := binary.AppendUvarint(nil, uint64(round))
	b = binary.AppendUvarint(b, uint64(len(form)))
	b = append(b, form...)
	for _, d := range digits {
		b = binary.AppendUvarint(b, uint64(d))
	}
	mac.Write(b)
	return mathrand.New(mathrand.NewChaCha8([32]byte(mac.Sum(nil))))
}
