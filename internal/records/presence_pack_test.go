package records

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"rollcall/internal/account"
)

// TestPack packs random login sessions and unpacks them.
func TestPack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 10_000 {
		p := &Presence{Account: number(rnd), LastEvent: int64(number(rnd)), Status: word(rnd), Devices: devices(rnd), Replaced: devices(rnd)}
		if got := p.pack().unpack(); !reflect.DeepEqual(got, p) {
			t.Fatalf("%+v\nis unpacked as\n%+v", p, got)
		}
	}
	if got := (*Presence)(nil).pack().unpack(); got != nil {
		t.Errorf("no login sessions are unpacked as %+v", got)
	}
}

// TestPackedSize checks the size of usual login sessions, which a server keeps by the million.
func TestPackedSize(t *testing.T) {
	const now = 1_790_000_000_000
	p := Presence{Account: 30_000_000, LastEvent: now, Devices: []Device{{
		ID: 1<<53 - 1, Instance: "bench", Platform: account.Android, Address: netip.MustParseAddr("192.0.2.1"), Login: now, Vouched: now + 86_400_000,
	}}}
	if n := len(p.pack()); n > 64 {
		t.Errorf("%d bytes, want at most 64", n)
	}
}

// number returns 0, a small number, or any.
func number(rnd *rand.Rand) uint64 {
	switch rnd.IntN(3) {
	case 0:
		return 0
	case 1:
		return rnd.Uint64N(1000)
	}
	return rnd.Uint64()
}

func word(rnd *rand.Rand) string {
	if rnd.IntN(2) == 0 {
		return ""
	}
	b := make([]byte, rnd.IntN(300))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return string(b)
}

func devices(rnd *rand.Rand) (ds []Device) {
	addrs := []netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%eth0")}
	for range rnd.IntN(4) {
		ds = append(ds, Device{
			ID: number(rnd), Instance: word(rnd), Platform: account.Platform(word(rnd)), Address: addrs[rnd.IntN(len(addrs))],
			Login: int64(number(rnd)), Expires: int64(number(rnd)), Silent: int64(number(rnd)), Closed: rnd.IntN(2) == 0,
			Vouched: int64(number(rnd)), Lost: int64(number(rnd)), Node: word(rnd), Link: number(rnd),
		})
	}
	return ds
}
