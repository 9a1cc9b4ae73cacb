package adminapi

import (
	"net/netip"
	"time"
)

// A Device is a device that is logged in. Times are those of the app.
type Device struct {
	ID        uint64     `json:"id"`                  // Instid of query_online_status; below 2^53
	Platform  string     `json:"platform"`            // iPhone, iPad, Android, Web, MiniProgram, Windows, Mac or Linux
	State     string     `json:"state"`               // Online or PushOnline
	Instance  string     `json:"instance,omitempty"`  // what the device calls itself
	Address   netip.Addr `json:"address,omitzero"`    // IP address, as it was seen last
	LoginAt   time.Time  `json:"login_at"`            // begin of the login session
	LostAt    time.Time  `json:"lost_at,omitzero"`    // end of the link of a device that is PushOnline
	SilentTo  time.Time  `json:"silent_to,omitzero"`  // when the link of a silent device ends
	ExpiresAt time.Time  `json:"expires_at,omitzero"` // expiry of its UserSig
	VouchedTo time.Time  `json:"vouched_to,omitzero"` // until when a gateway vouches for the link
}

// AccountDevices are the devices of an account.
type AccountDevices struct {
	UserID       string   `json:"userid" schema:"userid"`
	State        string   `json:"state"` // Online, PushOnline or Offline
	CustomStatus string   `json:"custom_status"`
	Devices      []Device `json:"devices"` // by platform, then by time of login
}

// DevicesPage is one page of accounts that have devices.
type DevicesPage struct {
	Accounts   []AccountDevices `json:"accounts"`
	NextCursor string           `json:"next_cursor"` // "" on the last page
}

// DeviceLogin logs in a virtual device of a test app.
type DeviceLogin struct {
	UserID   string     `json:"userid" schema:"userid"` // an unknown account is registered
	Platform string     `json:"platform"`               // iPhone, iPad, Android, Web, MiniProgram, Windows, Mac or Linux
	Address  netip.Addr `json:"address,omitzero"`       // IP address for the events
	Instance string     `json:"instance,omitempty"`     // at most 64 bytes; a device with the same one is the same device
	UserSig  string     `json:"usersig,omitempty"`      // checked if present; its end ends the link
}

// LoggedIn is the result of a login.
type LoggedIn struct {
	Device   Device   `json:"device"`
	Again    bool     `json:"again"`    // the browser was logged in, and its link was in order: nothing has happened
	Replaced []Device `json:"replaced"` // that gave way to it
}

// DeviceEnd names a device whose login session shall end.
type DeviceEnd struct {
	UserID string `json:"userid" schema:"userid"`
	Device uint64 `json:"device"` // its id
}

// DeviceChange lets something happen to a virtual device.
type DeviceChange struct {
	UserID string `json:"userid" schema:"userid"`
	Device uint64 `json:"device"` // its id
	Action string `json:"action"` // logout, drop, silence or reconnect

	// Reason of the silence: network, or for a mini-program background or left; network if
	// absent.
	Reason string `json:"reason,omitempty"`
}

// DeviceReports are reports of a gateway that holds the links of devices itself.
type DeviceReports struct {
	Reports []DeviceReport `json:"reports"` // 1 to 250, applied in their order
}

// A DeviceReport says that a device has a link, or that its link has ended.
type DeviceReport struct {
	UserID   string     `json:"userid" schema:"userid"` // an unknown account is registered
	Platform string     `json:"platform"`               // iPhone, iPad, Android, Web, MiniProgram, Windows, Mac or Linux
	Instance string     `json:"instance"`               // by which the gateway knows the device, 1 to 64 bytes
	Address  netip.Addr `json:"address,omitzero"`       // IP address of the device

	// How long the gateway vouches for the link, in milliseconds up to a day. Without another
	// report the link counts as gone afterwards. 0 if the link has ended.
	VouchedMS int64 `json:"vouched_ms,omitzero"`

	Logout bool `json:"logout,omitzero"` // the user has logged out; otherwise a link that has ended was closed
}

// ReportedDevices is the outcome of reports.
type ReportedDevices struct {
	Applied int             `json:"applied"` // number of reports
	Results []AccountResult `json:"results"` // one for each report, in their order
}

// CustomStatus is the custom status of an account to set.
type CustomStatus struct {
	UserID       string `json:"userid" schema:"userid"`
	CustomStatus string `json:"custom_status"` // at most 100 bytes; an empty text clears it
}
