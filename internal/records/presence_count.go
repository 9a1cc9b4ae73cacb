package records

// CountDevices returns how many devices are online, and how many are logged in without a
// link, as far as that is stored. ok is false unless all login sessions are in memory; see
// [Registry.KeepPresences].
func (r *Registry) CountDevices() (online, pushOnline int, ok bool) {
	m := r.memory.Load()
	if m == nil || !m.whole.Load() {
		return 0, 0, false
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		online, pushOnline = online+s.online, pushOnline+s.devices-s.online
		s.mu.RUnlock()
	}
	return online, pushOnline, true
}
