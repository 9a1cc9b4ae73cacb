// Package linkwire has the frames of a link, which is the WebSocket that a device holds at a
// Rollcall server. It is a protocol of our own, which docs/links.md describes. Every frame is
// a JSON object in a text message, and its "type" says which one.
package linkwire

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// Path is the path of links on a server.
const Path = "/link"

// MaxFrame is the largest size of a frame in bytes.
const MaxFrame = 4 << 10

// Types of frames. A device sends hello first, and the server answers with ready or error.
const (
	TypeHello  = "hello"
	TypeStatus = "status"
	TypeLogout = "logout"

	TypeReady   = "ready"
	TypeKicked  = "kicked"
	TypeExpired = "expired"
	TypeGoing   = "going"
	TypeError   = "error"
)

// Codes with which the server closes a link. Those below 4000 are of RFC 6455.
const (
	CloseLoggedOut = 1000 // after a logout
	CloseGoing     = 1001 // after a frame "going": the server shuts down
	CloseTooLarge  = 1009 // a frame is larger than [MaxFrame]
	CloseBusy      = 1013 // after a frame "error": try again later
	CloseBadFrame  = 4000 // after a frame "error": the frame was not understood
	CloseRefused   = 4001 // after a frame "error": the login was refused, or the app no longer admits the device
	CloseNoHello   = 4002 // no hello within 10 seconds
	CloseTooMany   = 4003 // after a frame "error": too many frames
	CloseEnded     = 4004 // after a frame "kicked"
	CloseExpired   = 4005 // after a frame "expired"
)

// Reasons of a frame "kicked".
const (
	Replaced = "replaced" // another device took the place of this one, or it has a newer link
	Kicked   = "kicked"   // the account was kicked: its UserSigs are refused
	Deleted  = "deleted"  // the account was deleted
	Ended    = "ended"    // an operator ended the login session, or the link alone
)

// A Hello logs in a device. It is the first frame of a link.
type Hello struct {
	Type     string `json:"type"`
	SDKAppID uint32 `json:"sdkappid"`
	UserID   string `json:"userid"`
	UserSig  string `json:"usersig"`
	Platform string `json:"platform"`

	// Instance is what the device calls itself; at most 64 bytes of printable ASCII. A
	// device with the same instance and platform is the same device.
	Instance string `json:"instance,omitempty"`

	// Device is the ID of a frame "ready" of before, to come back as that device.
	Device uint64 `json:"device,omitempty"`
}

// A Status sets the custom status of the account, at most 100 bytes of UTF-8. An empty text
// clears it.
type Status struct {
	Type         string `json:"type"`
	CustomStatus string `json:"custom_status"`
}

// A Logout ends the login session of the device. The server then closes the link.
type Logout struct {
	Type string `json:"type"`
}

// A Ready says that the device is logged in.
type Ready struct {
	Type     string   `json:"type"`
	Device   uint64   `json:"device"`   // ID of the device; below 2^53
	Again    bool     `json:"again"`    // the device was logged in, and nothing has happened
	Replaced []string `json:"replaced"` // platforms of the devices that gave way to it
	PingS    int      `json:"ping_s"`   // seconds between two pings of the server
}

// A KickedFrame says that the link has ended. The server then closes it.
type KickedFrame struct {
	Type      string `json:"type"`
	Reason    string `json:"reason"`
	Reconnect bool   `json:"reconnect"` // the login session lasts, and the device may come back at once
}

// An Expired says that the UserSig has expired. The server then closes the link. A device can
// come back with a new one.
type Expired struct {
	Type string `json:"type"`
}

// A Going says that the server shuts down and closes the link. The device should connect
// again at once; perhaps it reaches another server.
type Going struct {
	Type string `json:"type"`
}

// An Error says why the server refuses a frame. It closes the link, unless the frame was a
// Status.
type Error struct {
	Type string `json:"type"`
	Code int    `json:"code"` // of the account API
	Info string `json:"info"`
}

// Encode returns the JSON of a frame. It panics if frame has none.
func Encode(frame any) []byte {
	b, err := json.Marshal(frame)
	if err != nil {
		panic(err)
	}
	return b
}

// A DecodeError says why a frame is not understood. Its text contains nothing of the frame but
// its type.
type DecodeError struct{ text string }

func (e *DecodeError) Error() string { return e.text }

func wrongf(format string, args ...any) error { return &DecodeError{fmt.Sprintf(format, args...)} }

// DecodeClient returns the frame of a device: a [*Hello], [*Status] or [*Logout]. Fields that
// it does not know are ignored. The error is a [*DecodeError].
func DecodeClient(b []byte) (any, error) {
	return decode(b, map[string]any{TypeHello: new(Hello), TypeStatus: new(Status), TypeLogout: new(Logout)}, "hello, status or logout")
}

// DecodeServer returns the frame of a server: a [*Ready], [*KickedFrame], [*Expired], [*Going]
// or [*Error]. A frame of a type that it does not know is nil. Fields that it does not know
// are ignored. The error is a [*DecodeError].
func DecodeServer(b []byte) (any, error) {
	return decode(b, map[string]any{
		TypeReady: new(Ready), TypeKicked: new(KickedFrame), TypeExpired: new(Expired), TypeGoing: new(Going), TypeError: new(Error),
	}, "")
}

// decode decodes b into the frame of its type. known names the types for an error; if it is
// empty, an unknown type is nil.
func decode(b []byte, frames map[string]any, known string) (any, error) {
	var head struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, wrongf("the frame is no JSON object with a type; send one in each text message")
	}
	if head.Type == nil {
		return nil, wrongf("the frame has no type; give %s", known)
	}
	frame, ok := frames[*head.Type]
	if !ok && known == "" {
		return nil, nil
	}
	if !ok {
		return nil, wrongf("the type %.40q of the frame is unknown; give %s", *head.Type, known)
	}
	if err := json.Unmarshal(b, frame); err != nil {
		return nil, wrongf("the frame %s has a field of another type than the description says; correct it", *head.Type)
	}
	return frame, nil
}
