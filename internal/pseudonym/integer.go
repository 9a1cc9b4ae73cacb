package pseudonym

import "math/big"

// A rangeOf permutes the integers from 0 to before size.
type rangeOf struct {
	key  *Key
	form []byte // tells ranges apart
	size *big.Int
	half uint // bits of each half of the Feistel network, at most 34
}

// integer returns another integer from lo to before hi. Like [Key.replace], it is a
// permutation without a fixed point: it permutes, adds something other than 0, and reverts
// the permutation.
func (k *Key) integer(n, lo, hi *big.Int) *big.Int {
	size := new(big.Int).Sub(hi, lo)
	r := rangeOf{key: k, form: append(lo.Append([]byte("integer "), 10), hi.Append([]byte(" "), 10)...), size: size}
	r.half = uint(size.BitLen()+1) / 2
	x := r.walk(new(big.Int).Sub(n, lo), r.forward)
	others := new(big.Int).Sub(size, big.NewInt(1)) // above 0: no range has only one integer
	step := new(big.Int).SetUint64(k.stream(r.form, nil, rounds).Uint64())
	step.Add(step.Mod(step, others), big.NewInt(1))
	x.Mod(x.Add(x, step), size)
	x = r.walk(x, r.backward)
	return x.Add(x, lo)
}

// walk applies permute until the result is in the range, which is at least a quarter of
// what permute permutes.
func (r *rangeOf) walk(x *big.Int, permute func(left, right uint64) (uint64, uint64)) *big.Int {
	mask := new(big.Int).SetUint64(1<<r.half - 1)
	for {
		left := new(big.Int).Rsh(x, r.half).Uint64()
		right := new(big.Int).And(x, mask).Uint64()
		left, right = permute(left, right)
		x = new(big.Int).SetUint64(left)
		x.Or(x.Lsh(x, r.half), new(big.Int).SetUint64(right))
		if x.Cmp(r.size) < 0 {
			return x
		}
	}
}

func (r *rangeOf) forward(left, right uint64) (uint64, uint64) {
	for round := range rounds {
		left, right = right, left^r.mix(right, round)
	}
	return left, right
}

func (r *rangeOf) backward(left, right uint64) (uint64, uint64) {
	for round := rounds - 1; round >= 0; round-- {
		left, right = right^r.mix(left, round), left
	}
	return left, right
}

// mix returns the bits that depend on one half.
func (r *rangeOf) mix(half uint64, round int) uint64 {
	return r.key.stream(r.form, []uint32{uint32(half >> 32), uint32(half)}, round).Uint64() & (1<<r.half - 1)
}
