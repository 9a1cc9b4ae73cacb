package session_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/testutil/anystore"
)

var benchDevices = flag.Int("session-devices", 100_000, "accounts with a device, in the benchmarks")

// BenchmarkDevices reads the devices of 500 accounts at random, as query_online_status does.
func BenchmarkDevices(b *testing.B) {
	e := anystore.OpenDir(b, anystore.Pebble, b.TempDir())
	defer e.Close()
	r := records.New(e, nil)
	app, err := r.CreateApp(b.Context(), account.App{ID: appID, Edition: account.Development, Admins: []account.UserID{"a"}}, account.AuditEntry{Time: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	name := func(i int) account.UserID { return account.UserID(fmt.Sprint("user", i)) }
	for i := 0; i < *benchDevices; i += records.MaxPresences {
		var users []account.UserID
		for j := range min(records.MaxPresences, *benchDevices-i) {
			users = append(users, name(i+j))
		}
		err := r.ChangePresences(b.Context(), appID, users, func(cs []records.PresenceChange) ([]account.Write, error) {
			for j := range cs {
				cs[j].Next = &records.Presence{Account: uint64(i + j + 1), LastEvent: 1, Devices: []records.Device{{ID: uint64(j + 1), Platform: account.Android, Login: 1}}}
			}
			return nil, nil
		}, func() {})
		if err != nil {
			b.Fatal(err)
		}
	}
	s := session.New(session.Options{Records: r, Now: func(*account.App) time.Time { return time.Now() }})
	users, status := make([]account.UserID, 500), make([]account.Status, 500)
	read := func(b *testing.B) {
		for b.Loop() {
			for i := range users {
				at := rand.IntN(*benchDevices)
				users[i], status[i].InternalID = name(at), uint64(at+1)
			}
			if ds, err := s.Devices(b.Context(), app, users, status); err != nil || ds[0].State() != session.Online {
				b.Fatal(ds, err)
			}
		}
	}
	b.Run("engine", read)
	begun := time.Now()
	if err := r.KeepPresences(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d accounts are in memory after %v", *benchDevices, time.Since(begun))
	b.Run("memory", read)
	b.Run("states", func(b *testing.B) {
		for b.Loop() {
			for i := range users {
				at := rand.IntN(*benchDevices)
				users[i], status[i].InternalID = name(at), uint64(at+1)
			}
			if states, err := s.States(b.Context(), app, users, status); err != nil || states[0] != session.Online {
				b.Fatal(states, err)
			}
		}
	})
}
