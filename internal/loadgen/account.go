package loadgen

import "encoding/binary"

// IDLength is the length of every UserID, in bytes.
const IDLength = 16

// valueLength is the length in bytes of the variable part of Nick and of
// FaceUrl.
const valueLength = 8

// An Account holds the generated values of one account.
type Account struct {
	ID            [IDLength]byte
	Nick, FaceURL [valueLength]byte // their variable parts
}

// FaceURLPrefix precedes the variable part of every FaceUrl.
const FaceURLPrefix = "https://img.cn/"

// Describe returns account number n of the family of salt, with the values of
// version.
func Describe(salt, version uint64, n int64) (a Account) {
	putHex(a.ID[:], identity(mix(salt), n))
	v := value(mix(^version), n)
	putHex(a.Nick[:], v)
	putHex(a.FaceURL[:], v>>32)
	return a
}

// identity returns the number that the UserID of account n spells. Family is
// the mixed salt. No two accounts of a family share an identity, because every
// step of mix is reversible.
func identity(family uint64, n int64) uint64 { return mix(family + uint64(n)) }

// value returns the number that Nick and FaceUrl of account n spell. Edition is
// the version, inverted and mixed.
func value(edition uint64, n int64) uint64 { return mix(edition ^ uint64(n)) }

// mix scatters numbers: changing one bit of x changes about half of the bits of
// the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// putHex fills b with the hexadecimal digits of x, the lowest first. The length
// of b must be a multiple of eight.
func putHex(b []byte, x uint64) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, hexDigits(uint32(x)))
		x >>= 32
	}
}

// hexDigits returns the eight hexadecimal digits of x, one in each byte. It
// works on all digits at once, because the generator shares the machine with
// the server and writes 32 digits for each account.
func hexDigits(x uint32) uint64 {
	const ones = 0x0101010101010101
	v := uint64(x)
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
	letters := (v + 6*ones) >> 4 & ones // 1 where the digit is a letter
	return v + '0'*ones + ('a'-'0'-10)*letters
}

// A scatter visits each of n numbers once in an order that looks random.
type scatter struct{ n, stride uint64 }

// newScatter returns an order of the numbers below n. N must be positive and
// below 1<<32.
func newScatter(n int64) scatter {
	s := scatter{n: uint64(n), stride: uint64(float64(n) * 0.6180339887)}
	for s.stride = max(s.stride, 1); gcd(s.stride, s.n) != 1; s.stride++ {
	}
	return s
}

// at returns the number at position i, and how many times all numbers have been
// visited before.
func (s scatter) at(i uint64) (number, pass uint64) {
	return i % s.n * s.stride % s.n, i / s.n
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
