package pseudonym

import (
	"math"
	"math/big"
	"strings"
)

// bounds are the numbers from which on a number no longer fits a type. Services treat the
// numbers on their two sides differently.
var bounds = []*big.Int{
	big.NewInt(1 << 31), big.NewInt(1 << 32), big.NewInt(1 << 53), new(big.Int).SetUint64(1 << 63),
	new(big.Int).Add(new(big.Int).SetUint64(math.MaxUint64), big.NewInt(1)),
}

// longest is the number of digits of the largest bound.
const longest = 20

// Number returns the pseudonym of a number in JSON. Its sign, its length, the place of a
// fraction and its exponent stay, and it fits the same integer types.
func (k *Key) Number(s string) string {
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i:]
	}
	next := k.digits(mantissa)
	for fits(next) != fits(mantissa) {
		next = k.digits(next) // a permutation, so it comes back to the numbers that fit
	}
	return next + exponent
}

// digits replaces the digits of s. A first digit other than 0 does not become 0.
func (k *Key) digits(s string) string {
	p := &parts{word: word{form: []byte("number")}}
	first := true
	for _, r := range s {
		switch digit := '0' <= r && r <= '9'; {
		case digit && first && r != '0':
			p.addKind(r, firstDigit)
		case digit && !first:
			p.addKind(r, digits)
		default:
			p.addKind(r, nil)
		}
		first = first && (r < '0' || '9' < r)
	}
	k.replace(&p.word)
	return p.text()
}

// fits returns how many of the bounds s reaches without its sign. It returns 0 if s is no
// integer in JSON or longer than every bound. At least a twentieth of the integers with
// the digits of s reach as many.
func fits(s string) int {
	s = strings.TrimPrefix(s, "-")
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > longest || s[0] < '1' || '9' < s[0] {
		return 0
	}
	reached := 0
	for _, b := range bounds {
		if n.Cmp(b) >= 0 {
			reached++
		}
	}
	return reached
}
