package webhooks

import (
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	closed := &guard{}
	developer := &guard{developer: true}
	named := &guard{allow: prefixes("10.1.2.0/24", "169.254.169.254/32")}
	for _, tt := range []struct {
		addr                     string
		closed, developer, named bool
	}{
		{"8.8.8.8", true, true, true},
		{"2606:4700::1111", true, true, true},
		{"::ffff:8.8.8.8", true, true, true},
		{"64:ff9b::808:808", true, true, true},
		{"2002:808:808::1", true, true, true},

		{"127.0.0.1", false, true, false},
		{"127.9.9.9", false, true, false},
		{"::1", false, true, false},
		{"::ffff:127.0.0.1", false, true, false},
		{"10.0.0.1", false, true, false},
		{"172.16.0.1", false, true, false},
		{"192.168.1.1", false, true, false},
		{"fd00::1", false, true, false},
		{"10.1.2.3", false, true, true},
		{"::ffff:10.1.2.3", false, true, true},
		{"169.254.169.254", false, false, true},
		{"169.254.0.1", false, false, false},
		{"fe80::1", false, false, false},
		{"fe80::1%eth0", false, false, false},
		{"fec0::1", false, false, false},
		{"0.0.0.0", false, false, false},
		{"0.1.2.3", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"ff02::1", false, false, false},
		{"255.255.255.255", false, false, false},
		{"240.0.0.1", false, false, false},
		{"100.64.0.1", false, false, false},
		{"198.18.0.1", false, false, false},
		{"192.0.0.1", false, false, false},
		{"203.0.113.1", false, false, false},
		{"2001:db8::1", false, false, false},
		{"64:ff9b::7f00:1", false, true, false},
		{"64:ff9b::a9fe:a9fe", false, false, true},
		{"64:ff9b:1::1", false, false, false},
		{"2002:7f00:1::1", false, true, false},
		{"::127.0.0.1", false, true, false},
	} {
		addr := netip.MustParseAddr(tt.addr)
		for _, g := range []struct {
			name string
			*guard
			want bool
		}{{"closed", closed, tt.closed}, {"developer's", developer, tt.developer}, {"named", named, tt.named}} {
			if err := g.check(addr); (err == nil) != g.want {
				t.Errorf("%s guard, %s: %v, want allowed %v", g.name, tt.addr, err, g.want)
			}
		}
	}
	if err := closed.check(netip.Addr{}); err == nil {
		t.Error("no address is allowed")
	}
}
