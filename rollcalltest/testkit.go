package rollcalltest

import (
	"context"
	"time"

	"rollcall/client"
	"rollcall/usersig"
)

// Reset removes all accounts, robots, tombstones, kicks and mutes of the app in one step, and
// lets its clock show real time. The admins get new accounts. Keys, admins, settings and snapshots
// stay. Faults and lockouts end, and the calls of the app are forgotten, as by
// [Server.Restore].
//
//	for _, tt := range tests {
//		srv.Reset()
//		…
//	}
func (s *Server) Reset() {
	s.tb.Helper()
	if _, err := s.AdminClient.ResetApp(context.Background(), s.SDKAppID); err != nil {
		s.tb.Fatalf("rollcalltest: reset: %v", err)
	}
}

// Snapshot keeps the state of the app under a name, for [Server.Restore]: accounts with
// their internal ids, tombstones, kicks and mutes, and name, edition, keys, admins, settings and
// clock. It replaces a snapshot of the same name. An app can have 20 snapshots of 200,000
// ids each.
func (s *Server) Snapshot(name string) {
	s.tb.Helper()
	if _, err := s.AdminClient.TakeSnapshot(context.Background(), s.SDKAppID, name); err != nil {
		s.tb.Fatalf("rollcalltest: snapshot: %v", err)
	}
}

// Restore returns the app to the state of a snapshot, in one step. The snapshot stays.
//
//	srv.Snapshot("with 1000 accounts")
//	for _, tt := range tests {
//		srv.Restore("with 1000 accounts")
//		…
//	}
func (s *Server) Restore(name string) {
	s.tb.Helper()
	if _, err := s.AdminClient.RestoreSnapshot(context.Background(), s.SDKAppID, name); err != nil {
		s.tb.Fatalf("rollcalltest: restore: %v", err)
	}
}

// AdvanceClock advances the clock of the app, or turns it back if d is negative. d counts in
// whole milliseconds. Tombstones, the expiry of UserSigs, kicks, mutes and the retirement of
// keys follow the clock; rate limits follow real time. s.Client and [Server.UserSig] sign with
// the time of the app. A UserSig that was made before may have expired afterwards.
//
//	srv.Client.DeleteAccounts(ctx, []string{"alice"}) // an edition with tombstones
//	srv.AdvanceClock(90 * 24 * time.Hour)             // alice can be imported again
func (s *Server) AdvanceClock(d time.Duration) {
	s.tb.Helper()
	s.changeClock(client.ClockChange{Advance: d})
}

// SetClock sets the clock of the app. A clock that runs goes on from t. t is in the years
// 1970 to 2199.
func (s *Server) SetClock(t time.Time) {
	s.tb.Helper()
	s.changeClock(client.ClockChange{Set: t})
}

// FreezeClock stops the clock of the app until [Server.UnfreezeClock]. It can be set and
// advanced meanwhile.
func (s *Server) FreezeClock() {
	s.tb.Helper()
	s.changeClock(client.ClockChange{Frozen: new(true)})
}

// UnfreezeClock lets the clock of the app run on from the time that it shows.
func (s *Server) UnfreezeClock() {
	s.tb.Helper()
	s.changeClock(client.ClockChange{Frozen: new(false)})
}

// ResetClock lets the clock of the app show real time again.
func (s *Server) ResetClock() {
	s.tb.Helper()
	if _, err := s.AdminClient.ResetClock(context.Background(), s.SDKAppID); err != nil {
		s.tb.Fatalf("rollcalltest: clock: %v", err)
	}
}

// Now returns the time of the app.
func (s *Server) Now() time.Time {
	s.tb.Helper()
	now, err := s.now(context.Background())
	if err != nil {
		s.tb.Fatalf("rollcalltest: clock: %v", err)
	}
	return now
}

func (s *Server) changeClock(c client.ClockChange) {
	s.tb.Helper()
	if _, err := s.AdminClient.ChangeClock(context.Background(), s.SDKAppID, c); err != nil {
		s.tb.Fatalf("rollcalltest: clock: %v", err)
	}
}

func (s *Server) now(ctx context.Context) (time.Time, error) {
	clock, err := s.AdminClient.Clock(ctx, s.SDKAppID)
	if err != nil {
		return time.Time{}, err
	}
	return clock.Now, nil
}

// sigValidity is the validity of the UserSigs of this package.
const sigValidity = 24 * time.Hour

// sign returns a UserSig of a user that is signed with the time of the app, and real time
// at which it expires if nobody changes the clock.
func (s *Server) sign(ctx context.Context, userID string) (string, time.Time, error) {
	now, err := s.now(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	sig, err := usersig.Sign(usersig.HMACKey(s.Key), usersig.Claims{
		SDKAppID: s.SDKAppID, Identifier: userID, IssuedAt: now, Validity: sigValidity,
	})
	return sig, time.Now().Add(sigValidity), err
}
