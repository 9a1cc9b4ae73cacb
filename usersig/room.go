package usersig

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// A Privilege is a set of actions that a user may perform in a room.
type Privilege uint32

// Privileges of a [RoomPermit]. Add them up to combine them.
const (
	MayCreateRoom Privilege = 1 << iota
	MayEnterRoom
	MaySendAudio
	MayReceiveAudio
	MaySendVideo
	MayReceiveVideo
	MaySendSubStream // screen sharing
	MayReceiveSubStream

	// AllPrivileges is 255, the sum of all privileges.
	AllPrivileges = MayReceiveSubStream<<1 - 1
	// ViewerPrivileges is 42, the privileges that an audience needs.
	ViewerPrivileges = MayEnterRoom | MayReceiveAudio | MayReceiveVideo
)

// A RoomPermit is the content of the userbuf of a PrivateMapKey: what one user
// may do in one room until a given time. A PrivateMapKey is a UserSig with that
// userbuf. The room service checks it when a user enters. The account API
// ignores it.
type RoomPermit struct {
	SDKAppID   uint32
	Identifier string    // same as in the UserSig, at most 65535 bytes
	RoomID     uint32    // number of the room; 0 for a room with a name
	RoomName   string    // name of the room, at most 65535 bytes
	ExpiresAt  time.Time // from 1970 to 2106, cut to the second; absolute, unlike the validity of a UserSig
	Privileges Privilege
}

// UserBuf encodes p for [Claims.UserBuf]: a version byte (1 for a room with a
// name), the identifier, five 32-bit numbers and, for a room with a name, the
// name. Numbers are big-endian. Texts follow their length in 16 bits. UserBuf
// fails if a value does not fit, or if the room has both a number and a name.
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
	const accountType = 0 // the only defined value
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
