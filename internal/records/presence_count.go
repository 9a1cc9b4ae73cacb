package records

// CountDevices returns how many devices are online, and how many are logged in without a
// link, as far as that is stored. ok is false unless all login sessions are in memory; see
// [Registry.KeepPresences]. It looks at each of them: a million take some tenths of a second.
func (r *Registry) CountDevices() (online, pushOnline int, ok bool) {
	m := r.memory.Load()
	if m == nil || !m.whole.Load() {
		return 0, 0, false
	}
	for i := range m.shards {
		a, b := m.shards[i].countDevices()
		online, pushOnline = online+a, pushOnline+b
	}
	return online, pushOnline, true
}

func (s *presenceShard) countDevices() (online, pushOnline int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, users := range s.of {
		for _, e := range users {
			a, b := e.packed.countDevices()
			online, pushOnline = online+a, pushOnline+b
		}
	}
	return online, pushOnline
}

// countDevices counts without an allocation.
func (packed packedPresence) countDevices() (online, pushOnline int) {
	if packed == "" {
		return 0, 0
	}
	r := packedReader(packed)
	r.uvarint() // Account
	r.varint()  // LastEvent
	r.text()    // Status
	for range r.uvarint() {
		var d Device
		if r.device(&d); d.Lost == 0 {
			online++
		} else {
			pushOnline++
		}
	}
	return online, pushOnline
}
