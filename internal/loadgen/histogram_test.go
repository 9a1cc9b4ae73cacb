package loadgen

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBuckets checks that the upper end of the bucket of each value is at most
// 1 part in 64 above it.
func TestBuckets(t *testing.T) {
	values := []uint64{0, 1, 63, 64, 65, 127, 128, 129, 1 << 20, 1<<20 + 1, math.MaxInt64}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		values = append(values, rng.Uint64()>>(1+rng.IntN(63)))
	}
	for _, v := range values {
		i := bucket(v)
		if i >= buckets {
			t.Fatalf("bucket(%d) = %d, of %d", v, i, buckets)
		}
		if u := upper(i); u < v || u-v > v/64 {
			t.Errorf("%d is in bucket %d, which ends at %d", v, i, u)
		}
		if i > 0 && upper(i-1) >= v {
			t.Errorf("%d is in bucket %d, but the one before ends at %d", v, i, upper(i-1))
		}
	}
}

func TestQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var one, other Histogram
	var exact []time.Duration
	for i := range 5001 {
		d := time.Duration(rng.ExpFloat64() * float64(time.Millisecond))
		exact = append(exact, d)
		[]*Histogram{&one, &other}[i%2].Record(d)
	}
	one.Add(&other)
	slices.Sort(exact)
	for _, q := range []float64{0, 0.001, 0.5, 0.99, 0.999, 1} {
		want := exact[max(int(q*float64(len(exact))+0.5), 1)-1]
		if got := one.Quantile(q); got < want || got-want > want/64 {
			t.Errorf("quantile %v = %v, exactly %v", q, got, want)
		}
	}
	if got, want := one.Max(), exact[len(exact)-1]; got != want {
		t.Errorf("max = %v, want %v", got, want)
	}
	if got := one.Count(); got != uint64(len(exact)) {
		t.Errorf("count = %d, want %d", got, len(exact))
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("median of nothing = %v", got)
	}
	h.Record(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("a negative time counts as %v", got)
	}
}
