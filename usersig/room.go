package usersig

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// A Privilege is a set of things a user may do in a room.
type Privilege uint32

// Privileges of a [RoomPermit], to be added up.
const (
	MayCreateRoom Privilege = 1 << iota
	MayEnterRoom
	MaySendAudio
	MayReceiveAudio
	MaySendVideo
	MayReceiveVideo
	MaySendSubStream // screen sharing
	MayReceiveSubStream

	// AllPrivileges is 255, everything above.
	AllPrivileges = MayReceiveSubStream<<1 - 1
	// ViewerPrivileges is 42, what an audience needs.
	ViewerPrivileges = MayEnterRoom | MayReceiveAudio | MayReceiveVideo
)

// A RoomPermit is what the userbuf of a PrivateMapKey says: what one user may
// do in one room until a given time. A PrivateMapKey is a UserSig with that
// userbuf; the account API does not look at it, the entry to a room does.
type RoomPermit struct {
	SDKAppID   uint32
	Identifier string    // as in the UserSig, at most 65535 bytes
	RoomID     uint32    // a numeric room; leave 0 for a room with a name
	RoomName   string    // a string room, at most 65535 bytes
	ExpiresAt  time.Time // cut to the second, 1970 to 2106; absolute, unlike the validity of the UserSig
	Privileges Privilege
}

// UserBuf returns p for [Claims.UserBuf]: a version byte (1 for a string
// room), the identifier, five 32-bit numbers and, for a string room, its name;
// big-endian, texts after their length in 16 bits. It fails on a value that
// does not fit, and if the room has both a number and a name.
func (p RoomPermit) UserBuf() ([]byte, error) {
	expire := p.ExpiresAt.Unix()
	switch {
	case len(p.Identifier) > math.MaxUint16:
		return nil, errors.New("usersig: the identifier of a room permit is longer than 65535 bytes")
	case len(p.RoomName) > math.MaxUint16:
		return nil, errors.New("usersig: the room name is longer than 65535 bytes")
	case p.RoomID != 0 && p.RoomName != "":
		return nil, errors.New("usersig: a room has a number or a name, not both")
	case expire < 0 || expire > math.MaxUint32:
		return nil, errors.New("usersig: the expiry of a room permit is outside 1970 to 2106")
	}
	var kind byte
	if p.RoomName != "" {
		kind = 1
	}
	b := appendText([]byte{kind}, p.Identifier)
	const accountType = 0 // the only one there is
	for _, n := range []uint32{p.SDKAppID, p.RoomID, uint32(expire), uint32(p.Privileges), accountType} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	if kind == 1 {
		b = appendText(b, p.RoomName)
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}
