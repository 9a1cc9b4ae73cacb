package directory

import (
	"context"
	"log/slog"
	"math"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// MutedForEver is the number of seconds of a mute without an end (protocol-sessions.md
// §9.1).
const MutedForEver uint32 = math.MaxUint32

// A Mute says for how many seconds an account must not send messages. 0 means not muted.
// Rollcall carries no messages, so a mute has no other effect.
type Mute struct {
	C2C   uint32 // one-to-one messages
	Group uint32 // messages to groups
}

// SetMute mutes an account from now on, by the clock of the app. A nil time keeps what is
// stored, and 0 lifts the mute. The mute ends with the account: an account that is deleted
// and imported again is not muted.
//
// Codes: NoAccount.
func (d *Directory) SetMute(ctx context.Context, app *account.App, id account.UserID, c2c, group *uint32) error {
	internalID, err := d.existing(ctx, app, id)
	if err != nil {
		return err
	}
	now := d.Now(app.ID).Unix()
	return d.records.ChangeMute(ctx, app.ID, id, func(m records.Mute) records.Mute {
		if m.InternalID != internalID {
			m = records.Mute{InternalID: internalID}
		}
		m.C2C, m.Group = muteEnd(m.C2C, c2c, now), muteEnd(m.Group, group, now)
		return m
	})
}

// Mute returns for how long an account is muted.
//
// Codes: NoAccount.
func (d *Directory) Mute(ctx context.Context, app *account.App, id account.UserID) (Mute, error) {
	internalID, err := d.existing(ctx, app, id)
	if err != nil {
		return Mute{}, err
	}
	m, err := d.records.Mute(ctx, app.ID, id)
	if err != nil || m.InternalID != internalID {
		return Mute{}, err
	}
	now := d.Now(app.ID).Unix()
	return Mute{muteLeft(m.C2C, now), muteLeft(m.Group, now)}, nil
}

// existing returns the internal id of an account.
//
// Codes: NoAccount.
func (d *Directory) existing(ctx context.Context, app *account.App, id account.UserID) (uint64, error) {
	status, err := d.status(ctx, app, []account.UserID{id})
	if err != nil {
		return 0, err
	}
	if !status[0].Exists() {
		return 0, &account.Error{Code: account.NoAccount, Detail: app.WhyUnknown(id)}
	}
	return status[0].InternalID, nil
}

// muteEnd returns the end of a mute of so many seconds that begins now. A stored end stays
// if seconds is nil, unless it has passed.
func muteEnd(stored int64, seconds *uint32, now int64) int64 {
	switch {
	case seconds == nil && muteLeft(stored, now) > 0:
		return stored
	case seconds == nil || *seconds == 0:
		return 0
	case *seconds == MutedForEver:
		return records.MutedForEver
	}
	end := now + int64(*seconds)
	if end == records.MutedForEver { // one second of the year 2106, which means something else
		end++
	}
	return end
}

// muteLeft returns the seconds until the end of a mute. Those of a mute that has an end are
// fewer than [MutedForEver], even if the clock of a test app is set back.
func muteLeft(end, now int64) uint32 {
	if end == records.MutedForEver {
		return MutedForEver
	}
	return uint32(min(max(end-now, 0), int64(MutedForEver)-1))
}

// SweepMutes removes the mutes that have ended, and those of accounts and apps that do not
// exist any more.
func (d *Directory) SweepMutes(ctx context.Context) error { return d.sweepMutes(ctx, 0) }

// forgetTimeout bounds the removal of the mutes of a deleted app.
const forgetTimeout = 5 * time.Second

// forgetMutes removes the mutes of an app that was deleted. SweepMutes removes what it
// leaves. None of them applies to another app with the same number, because no account of
// it has their internal ids.
func (d *Directory) forgetMutes(app account.AppID) {
	ctx, cancel := context.WithTimeout(context.Background(), forgetTimeout)
	defer cancel()
	if err := d.sweepMutes(ctx, app); err != nil {
		d.lg.Warn("the mutes of a deleted app were not removed; the server tries again within an hour",
			slog.Uint64("app", uint64(app)), slog.String("err", err.Error()))
	}
}

// sweepMutes is SweepMutes for one app, or for all apps if app is 0.
func (d *Directory) sweepMutes(ctx context.Context, app account.AppID) error {
	for after := ""; ; {
		list, next, err := d.records.Mutes(ctx, app, after, account.MaxListLimit)
		if err != nil {
			return err
		}
		for app, mutes := range list {
			void, err := d.voidMutes(ctx, app, mutes)
			if err == nil && len(void) > 0 {
				err = d.records.RemoveMutes(ctx, app, void)
			}
			if err != nil {
				return err
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
}

// voidMutes returns those of the mutes of an app that have no effect any more.
func (d *Directory) voidMutes(ctx context.Context, app account.AppID, mutes []records.StoredMute) (void []records.StoredMute, err error) {
	ids := make([]account.UserID, len(mutes))
	for i, m := range mutes {
		ids[i] = m.UserID
	}
	status, err := d.storedStatus(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	now := d.Now(app).Unix()
	for i, m := range mutes {
		if m.InternalID != status[i].InternalID || muteLeft(m.C2C, now) == 0 && muteLeft(m.Group, now) == 0 {
			void = append(void, m)
		}
	}
	return void, nil
}

// storedStatus is status for an app that need not exist.
func (d *Directory) storedStatus(ctx context.Context, id account.AppID, ids []account.UserID) ([]account.Status, error) {
	app, err := d.records.StoredApp(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		return make([]account.Status, len(ids)), nil
	}
	if err != nil {
		return nil, err
	}
	return d.status(ctx, app, ids)
}
