package records

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
)

// A Robot is an account that only the commands of robots create and delete. It is a record,
// not an account of the engine: therefore it does not count for the quota, and the limit of
// robots is exact.
type Robot struct {
	UserID account.UserID `json:"-"` // in the key

	// InternalID is different for each creation of a robot. It is above the internal ids
	// that engines assign.
	InternalID uint64 `json:"id"`

	// AppCreated is the time at which the app was created. A robot whose app was removed
	// does not exist, even if another app has the same number.
	AppCreated time.Time `json:"app_created"`

	Nick    string          `json:"nick,omitempty"`
	FaceURL string          `json:"face_url,omitempty"`
	Profile []account.Field `json:"profile,omitempty"` // the other tags, sorted by tag
	Created time.Time       `json:"created"`
	Updated time.Time       `json:"updated"`
}

// robotIDs is the smallest InternalID of a robot.
const robotIDs uint64 = 1 << 62

func newRobotID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return robotIDs | binary.BigEndian.Uint64(b[:])&(robotIDs-1)
}

// Account returns r as an account.
func (r *Robot) Account() account.Account {
	return account.Account{
		ID: r.UserID, InternalID: r.InternalID, Nick: r.Nick, FaceURL: r.FaceURL, Profile: r.Profile,
		Created: r.Created, Updated: r.Updated,
	}
}

// set applies a change at the time now to r.
func (r *Robot) set(fields []account.Field, now time.Time) {
	a := r.Account()
	account.Patch{Fields: fields}.Apply(&a, now)
	r.Nick, r.FaceURL, r.Profile, r.Updated = a.Nick, a.FaceURL, a.Profile, a.Updated
}

// A storedRobot is a robot and the version of its record.
type storedRobot struct {
	Robot
	version uint64
}

func robotKey(app account.AppID, id account.UserID) string { return appPrefix(app) + string(id) }

// Robots returns the robots of an app in the order of their ids.
func (r *Registry) Robots(ctx context.Context, app *account.App) (robots []Robot, err error) {
	stored, err := r.storedRobots(ctx, app.ID)
	for _, s := range stored {
		if s.AppCreated.Equal(app.Created) {
			robots = append(robots, s.Robot)
		}
	}
	return robots, err
}

// storedRobots returns all records of robots of an app.
func (r *Registry) storedRobots(ctx context.Context, app account.AppID) (robots []storedRobot, err error) {
	page, err := r.e.Records(ctx, account.RecordQuery{Kind: kindRobot, Prefix: appPrefix(app), Limit: account.MaxListLimit})
	if err != nil {
		return nil, err
	}
	for _, rec := range page.Records {
		_, id, err := splitKey(kindRobot, rec.Key)
		if err != nil {
			return nil, err
		}
		if id == "" {
			continue // that of creations
		}
		robot, err := decode[Robot](rec.Value)
		if err != nil {
			return nil, damaged(kindRobot, rec.Key, err)
		}
		robot.UserID = id
		robots = append(robots, storedRobot{*robot, rec.Version})
	}
	return robots, nil
}

// A RobotChange is a change of a robot. Outbox returns further writes for its commit, or
// is nil.
type RobotChange struct {
	UserID account.UserID
	Fields []account.Field // to set, or to clear if the value is unset
	Now    time.Time
	Outbox func(created bool) []account.Write
}

// CreateRobot creates a robot, or changes it if it exists. It reports whether it created
// the robot.
//
// Codes: QuotaFull if the app has [account.MaxRobots] others.
func (r *Registry) CreateRobot(ctx context.Context, app *account.App, c RobotChange) (created bool, err error) {
	for {
		guard, err := r.robotGuard(ctx, app.ID)
		if err != nil {
			return false, err
		}
		stored, err := r.storedRobots(ctx, app.ID)
		if err != nil {
			return false, err
		}
		robot, others := storedRobot{Robot: Robot{UserID: c.UserID}}, 0
		for _, s := range stored {
			switch {
			case s.UserID == c.UserID:
				robot = s
			case s.AppCreated.Equal(app.Created):
				others++
			}
		}
		var writes []account.Write
		if created = robot.version == 0 || !robot.AppCreated.Equal(app.Created); created {
			if others >= account.MaxRobots {
				return false, &account.Error{Code: account.QuotaFull, Detail: fmt.Sprintf("the app has %d robots, as many as it may have; delete one", others)}
			}
			robot.Robot = Robot{UserID: c.UserID, InternalID: newRobotID(), AppCreated: app.Created, Created: account.Millis(c.Now)}
			writes = append(writes, guard)
		}
		if created || len(c.Fields) > 0 {
			robot.set(c.Fields, c.Now)
		}
		err = r.writeRobot(ctx, app.ID, robot, append(writes, c.outbox(created)...))
		if account.CodeOf(err) != account.Stale {
			return created, err
		}
	}
}

// robotGuard returns the write that a creation of a robot needs. It is refused if another
// robot was created since.
func (r *Registry) robotGuard(ctx context.Context, app account.AppID) (account.Write, error) {
	w := account.Write{Kind: kindRobot, Key: robotKey(app, ""), Value: []byte("{}")}
	rec, err := r.e.Record(ctx, kindRobot, w.Key)
	if account.CodeOf(err) == account.NoRecord {
		return w, nil
	}
	w.If = rec.Version
	return w, err
}

func (c *RobotChange) outbox(created bool) []account.Write {
	if c.Outbox == nil {
		return nil
	}
	return c.Outbox(created)
}

// writeRobot stores a robot if its record still has its version, together with other writes.
func (r *Registry) writeRobot(ctx context.Context, app account.AppID, robot storedRobot, also []account.Write) error {
	w := account.Write{Kind: kindRobot, Key: robotKey(app, robot.UserID), Value: encode(robot.Robot), If: robot.version}
	_, err := r.e.Commit(ctx, account.Commit{Writes: append(also, w)})
	return err
}

// robot returns a robot that exists.
//
// Codes: NoAccount.
func (r *Registry) robot(ctx context.Context, app *account.App, id account.UserID) (storedRobot, error) {
	stored, err := r.storedRobots(ctx, app.ID)
	if err != nil {
		return storedRobot{}, err
	}
	i := slices.IndexFunc(stored, func(s storedRobot) bool { return s.UserID == id && s.AppCreated.Equal(app.Created) })
	if i < 0 {
		return storedRobot{}, &account.Error{Code: account.NoAccount, Detail: app.WhyUnknown(id)}
	}
	return stored[i], nil
}

// ChangeRobot changes a robot that exists.
//
// Codes: NoAccount.
func (r *Registry) ChangeRobot(ctx context.Context, app *account.App, c RobotChange) error {
	for {
		robot, err := r.robot(ctx, app, c.UserID)
		if err != nil {
			return err
		}
		robot.set(c.Fields, c.Now)
		err = r.writeRobot(ctx, app.ID, robot, c.outbox(false))
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// DeleteRobot removes a robot together with also.
//
// Codes: NoAccount.
func (r *Registry) DeleteRobot(ctx context.Context, app *account.App, id account.UserID, also ...account.Write) error {
	for {
		robot, err := r.robot(ctx, app, id)
		if err != nil {
			return err
		}
		gone := account.Write{Kind: kindRobot, Key: robotKey(app.ID, id), If: robot.version}
		_, err = r.e.Commit(ctx, account.Commit{Writes: append([]account.Write{gone}, also...)})
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// ReplaceRobots returns the writes that replace all robots of an app by saved ones, for a
// commit that replaces or removes its accounts.
func (r *Registry) ReplaceRobots(ctx context.Context, app account.AppID, saved []Robot) (ws []account.Write, err error) {
	stored, err := r.storedRobots(ctx, app)
	if err != nil {
		return nil, err
	}
	for _, s := range saved {
		ws = append(ws, account.Write{Kind: kindRobot, Key: robotKey(app, s.UserID), Value: encode(s), If: account.AnyVersion})
	}
	for _, s := range stored {
		if !slices.ContainsFunc(saved, func(r Robot) bool { return r.UserID == s.UserID }) {
			ws = append(ws, account.Write{Kind: kindRobot, Key: robotKey(app, s.UserID), If: account.AnyVersion})
		}
	}
	return append(ws, account.Write{Kind: kindRobot, Key: robotKey(app, ""), If: account.AnyVersion}), nil
}
