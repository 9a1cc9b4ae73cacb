package session

import (
	"cmp"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// places returns how many devices can be logged in at once on the platforms that share their
// places with p, and which platforms these are (protocol-sessions.md §2.2, §13 row 5).
func places(s *account.Settings, p account.Platform) (n int, shares func(account.Platform) bool) {
	switch {
	case s.LoginMode == account.LoginSingle:
		return 1, func(account.Platform) bool { return true }
	case p.Browser():
		return max(s.WebInstances, 1), account.Platform.Browser
	case s.LoginMode == account.LoginDual:
		return 1, func(other account.Platform) bool { return !other.Browser() }
	case s.LoginMode == account.LoginTriple:
		return 1, func(other account.Platform) bool { return !other.Browser() && other.Mobile() == p.Mobile() }
	}
	return max(s.DevicesPerPlatform, 1), func(other account.Platform) bool { return other == p }
}

// HaveRoom reports whether devices of these platforms can be logged in at once.
func HaveRoom(s *account.Settings, platforms []account.Platform) bool {
	for _, p := range platforms {
		n, shares := places(s, p)
		for _, other := range platforms {
			if shares(other) {
				n--
			}
		}
		if n < 0 {
			return false
		}
	}
	return true
}

// makeRoom removes the devices that give way to a new one of platform p, and returns them:
// those that have been logged in longest, and of several the one with the smaller instance.
func (t *turn) makeRoom(p account.Platform) (gone []records.Device) {
	n, shares := places(&t.app.Settings, p)
	rivals := slices.DeleteFunc(slices.Clone(t.p.Devices), func(d records.Device) bool { return !shares(d.Platform) })
	slices.SortFunc(rivals, func(a, b records.Device) int {
		return cmp.Or(cmp.Compare(a.Login, b.Login), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.ID, b.ID))
	})
	gone = rivals[:max(0, len(rivals)-n+1)]
	t.p.Devices = slices.DeleteFunc(t.p.Devices, func(d records.Device) bool {
		return slices.ContainsFunc(gone, func(g records.Device) bool { return g.ID == d.ID })
	})
	return gone
}
