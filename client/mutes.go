package client

import (
	"context"
	"math"

	"rollcall/internal/wire"
)

// MutedForEver is the number of seconds of a mute without an end.
const MutedForEver uint32 = math.MaxUint32

// A MuteChange says for how many seconds an account must not send messages from now on.
// nil keeps what is stored, 0 lifts the mute, and [MutedForEver] has no end. At least one
// of the fields is not nil.
type MuteChange struct {
	C2C   *uint32 // one-to-one messages
	Group *uint32 // messages to groups
}

// A Mute says for how many seconds an account must not send messages. 0 means not muted.
type Mute struct {
	C2C   uint32 `json:"c2c"`   // one-to-one messages
	Group uint32 `json:"group"` // messages to groups
}

// SetMute mutes an account or lifts its mute. The error of an account that does not exist
// has [CodeMuteBadAccount].
func (c *Client) SetMute(ctx context.Context, userID string, m MuteChange) error {
	req := struct {
		Set_Account            string
		C2CmsgNospeakingTime   *uint32 `json:",omitzero"`
		GroupmsgNospeakingTime *uint32 `json:",omitzero"`
	}{userID, m.C2C, m.Group}
	_, err := c.call(ctx, "setnospeaking", req, new(wire.SetMuteResponse))
	return err
}

// GetMute returns for how long an account is muted.
func (c *Client) GetMute(ctx context.Context, userID string) (Mute, error) {
	var resp wire.GetMuteResponse
	_, err := c.call(ctx, "getnospeaking", struct{ Get_Account string }{userID}, &resp)
	return Mute{resp.C2CmsgNospeakingTime, resp.GroupmsgNospeakingTime}, err
}
