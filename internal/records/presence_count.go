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
	for k := range s.index {
		e := unpackEntry(string(s.packed(k)))
		if e.Presence == nil {
			continue
		}
		for i := range e.Devices {
			if e.Devices[i].Lost == 0 {
				online++
			} else {
				pushOnline++
			}
		}
	}
	return online, pushOnline
}
