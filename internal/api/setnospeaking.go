package api

import (
	"context"
	"errors"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// setNoSpeaking serves setnospeaking (protocol-sessions.md §9.1). A time that is absent
// keeps what is stored.
func (s *Server) setNoSpeaking(ctx context.Context, c *call, req *wire.SetMuteRequest) (any, error) {
	userID, err := target("Set_Account", req.Set_Account)
	if err != nil {
		return nil, err
	}
	c2c, err := seconds("C2CmsgNospeakingTime", req.C2CmsgNospeakingTime)
	if err != nil {
		return nil, err
	}
	group, err := seconds("GroupmsgNospeakingTime", req.GroupmsgNospeakingTime)
	if err != nil {
		return nil, err
	}
	if c2c == nil && group == nil {
		return nil, &fieldError{account.BadParameter, wire.Mismatch{At: field("C2CmsgNospeakingTime"), Also: "GroupmsgNospeakingTime", Want: someSeconds}}
	}
	return wire.SetMuteResponse{}, s.dir.SetMute(ctx, c.app, userID, c2c, group)
}

const someSeconds = "a whole number of seconds from 0 to 4294967295"

// seconds reads an optional number of seconds. It returns nil if it is absent. Codes:
// BadParameter.
func seconds(name string, s wire.Seconds) (*uint32, error) {
	switch s.Kind {
	case wire.Valid:
		return &s.V, nil
	case wire.Wrong:
		return nil, &fieldError{account.BadParameter, wire.Mismatch{At: field(name), Want: someSeconds}}
	}
	return nil, nil
}

// target reads the id of the account that a command is about. Codes: EmptyBatch if it is
// absent, IDNotString.
func target(name string, t wire.Text) (account.UserID, error) {
	userID, err := id(name, t)
	if e, ok := errors.AsType[*fieldError](err); ok && t.Kind == wire.Absent {
		e.code = account.EmptyBatch
	}
	return userID, err
}
