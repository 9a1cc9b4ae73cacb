package records

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"rollcall/internal/account"
)

// TestPack packs random entries and unpacks them.
func TestPack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 10_000 {
		p := &Presence{Account: number(rnd), LastEvent: int64(number(rnd)), Status: word(rnd), Devices: devices(rnd), Replaced: devices(rnd)}
		e := presenceEntry{Presence: p, due: int64(number(rnd)), version: account.AnyVersion, unsure: rnd.IntN(2) == 0}
		if rnd.IntN(10) == 0 {
			e.Presence, e.due = nil, 0
		}
		if got := unpackEntry(string(e.appendTo(nil))); !reflect.DeepEqual(got, e) {
			t.Fatalf("%+v of %+v\nis unpacked as\n%+v of %+v", e, e.Presence, got, got.Presence)
		}
	}
}

// TestPackedSize checks the size of usual login sessions, which a server keeps by the million.
func TestPackedSize(t *testing.T) {
	const now = 1_790_000_000_000
	p := Presence{Account: 30_000_000, LastEvent: now, Devices: []Device{{
		ID: 1<<53 - 1, Instance: "bench", Platform: account.Android, Address: netip.MustParseAddr("192.0.2.1"), Login: now, Vouched: now + 86_400_000,
	}}}
	e := presenceEntry{Presence: &p, due: now + 86_400_000}
	if n := len(e.appendTo(nil)); n > 72 {
		t.Errorf("%d bytes, want at most 72", n)
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

// TestShard compares a shard with a map while entries are put and dropped, and checks that it
// does not keep what is unused.
func TestShard(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s, want := presenceShard{index: map[presenceHash]span{}}, map[presenceHash]presenceEntry{}
	for round := range 20_000 {
		k := presenceHash{rnd.Uint64N(50), 1}
		if rnd.IntN(4) == 0 {
			s.drop(k)
			delete(want, k)
			continue
		}
		want[k] = presenceEntry{Presence: &Presence{Status: word(rnd), Devices: devices(rnd)}, version: account.AnyVersion, unsure: rnd.IntN(9) == 0}
		s.put(k, want[k])
		for i := range uint64(50) {
			if round%20 > 0 && i != k[0] {
				continue // all of them take their time under the race detector
			}
			k := presenceHash{i, 1}
			e, ok := s.get(k)
			if w, known := want[k]; ok != known || known && !reflect.DeepEqual(e, w) {
				t.Fatalf("%v is %+v, %v; want %+v", k, e, ok, w)
			}
		}
	}
	online, all := 0, 0
	for _, e := range want {
		online, all = online+e.online(), all+len(e.Devices)
	}
	if s.online != online || s.devices != all {
		t.Errorf("%d of %d devices are online, want %d of %d", s.online, s.devices, online, all)
	}
	for k, e := range want {
		if was := s.drop(k); was != e.Online() {
			t.Errorf("%v was online: %v", k, was)
		}
	}
	if len(s.data) > leastCompact || len(s.index) > 0 || s.devices != 0 {
		t.Errorf("%d entries, %d bytes and %d devices are left", len(s.index), len(s.data), s.devices)
	}
}
