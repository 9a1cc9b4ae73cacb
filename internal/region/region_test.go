package region

import (
	"slices"
	"testing"
)

// TestOf looks up every host. It fails if two data centres share a host,
// because that host belongs to only one of them.
func TestOf(t *testing.T) {
	for _, r := range regions {
		if Of(r.host) != r.name || Of(r.backup) != r.name || r.host == r.backup {
			t.Errorf("%s has the host of another centre", r.name)
		}
	}
	for host, want := range map[string]string{
		"console.tim.qq.com": "china", "adminapisgp.my-imcloud.com": "singapore", "example.com": "", "": "",
	} {
		if got := Of(host); got != want {
			t.Errorf("Of(%q) = %q, want %q", host, got, want)
		}
	}
}

// TestHost checks that every name leads to a host of its data centre.
func TestHost(t *testing.T) {
	for _, name := range Names() {
		if got := Of(Host(name)); got != name {
			t.Errorf("Host(%q) is a host of %q", name, got)
		}
	}
	if got := Host("atlantis"); got != "" {
		t.Errorf("Host of an unknown name is %q", got)
	}
}

func TestNames(t *testing.T) {
	names := Names()
	slices.Sort(names)
	if len(names) != 9 || len(slices.Compact(names)) != 9 {
		t.Errorf("names %v", names)
	}
}

// TestHosts checks that every host is listed once.
func TestHosts(t *testing.T) {
	hosts := Hosts()
	slices.Sort(hosts)
	if len(hosts) != 2*len(regions) || len(slices.Compact(hosts)) != len(hosts) || slices.ContainsFunc(hosts, func(h string) bool { return Of(h) == "" }) {
		t.Errorf("hosts %v", hosts)
	}
}
