package client

import (
	"context"
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"rollcall/internal/adminapi"
)

// Types of login sessions. A login session is that of one device, from its login to its
// logout.
type (
	// A DeviceRecord is a device that is logged in, as the admin API shows it. Its State is
	// "Online" or "PushOnline".
	DeviceRecord = adminapi.Device

	// AccountDevices are the devices of an account. Its State is "Online", "PushOnline" or
	// "Offline".
	AccountDevices = adminapi.AccountDevices

	// LoggedIn is the result of [AdminClient.LoginDevice].
	LoggedIn = adminapi.LoggedIn
)

// Platforms of devices.
const (
	IPhone      = "iPhone"
	IPad        = "iPad"
	Android     = "Android"
	Web         = "Web"
	MiniProgram = "MiniProgram"
	Windows     = "Windows"
	Mac         = "Mac"
	Linux       = "Linux"
)

// Platforms returns all platforms.
func Platforms() []string {
	return []string{IPhone, IPad, Android, Web, MiniProgram, Windows, Mac, Linux}
}

// Devices iterates over the accounts of an app that have devices, in the order of their ids.
// Each page is a request of its own. Devices ends after an error. It needs the scope read.
func (c *AdminClient) Devices(ctx context.Context, sdkAppID uint32) iter.Seq2[*AccountDevices, error] {
	return pages(func(cursor string) (page[AccountDevices], error) {
		var resp adminapi.DevicesPage
		err := c.call(ctx, adminCall{method: http.MethodGet, path: devicesPath(sdkAppID), query: listQuery(0, cursor), resp: &resp})
		return page[AccountDevices]{resp.Accounts, resp.NextCursor}, err
	})
}

// DevicesOf returns the state of an account and of its devices. If the account does not
// exist, the error is [SlugNotFound]. DevicesOf needs the scope read.
func (c *AdminClient) DevicesOf(ctx context.Context, sdkAppID uint32, userID string) (*AccountDevices, error) {
	d := new(AccountDevices)
	return result(d, c.call(ctx, adminCall{
		method: http.MethodGet, path: devicesPath(sdkAppID) + ":get", query: url.Values{"userid": {userID}}, resp: d,
	}))
}

// EndDevice ends the login session of one device, and returns the devices that are left. The
// account can log in again at once, unlike after [AdminClient.Kick]. If there is no such
// device, the error is [SlugNotFound]. EndDevice needs the scope write.
func (c *AdminClient) EndDevice(ctx context.Context, sdkAppID uint32, userID string, device uint64) (*AccountDevices, error) {
	return c.devices(ctx, sdkAppID, ":end", adminapi.DeviceEnd{UserID: userID, Device: device})
}

// MaxReports is the largest number of reports in a call.
const MaxReports = 250

// A DeviceReport says what a gateway, which holds the links of devices itself, knows of one of
// them. Address is optional.
type DeviceReport struct {
	UserID   string // an unknown account is registered
	Platform string
	Instance string // by which the gateway knows the device; at most 64 bytes
	Address  netip.Addr

	// How long the gateway vouches for the link, up to a day. It reports the device again
	// before that, because the link counts as gone afterwards. 0 if the link has ended.
	Vouched time.Duration

	Logout bool // the user has logged out; otherwise a link that has ended was closed
}

// ReportedDevices is the outcome of [AdminClient.ReportDevices]: an AccountResult for each
// report.
type ReportedDevices = adminapi.ReportedDevices

// ReportDevices tells the server which devices have links at a gateway, and which have none
// any more: 1 to [MaxReports] of them, applied in their order. Repeating a call is safe.
// ReportDevices needs the scope write.
func (c *AdminClient) ReportDevices(ctx context.Context, sdkAppID uint32, reports ...DeviceReport) (*ReportedDevices, error) {
	body := adminapi.DeviceReports{Reports: make([]adminapi.DeviceReport, len(reports))}
	for i, r := range reports {
		body.Reports[i] = adminapi.DeviceReport{
			UserID: r.UserID, Platform: r.Platform, Instance: r.Instance, Address: r.Address, VouchedMS: r.Vouched.Milliseconds(), Logout: r.Logout,
		}
	}
	done := new(ReportedDevices)
	return result(done, c.call(ctx, adminCall{method: http.MethodPost, path: devicesPath(sdkAppID) + ":report", body: body, resp: done}))
}

// A DeviceLogin describes a virtual device that logs in. Address, Instance and UserSig are
// optional.
type DeviceLogin struct {
	UserID   string // an unknown account is registered
	Platform string
	Address  netip.Addr // for the events
	Instance string     // a device with the same instance and platform is the same device
	UserSig  string     // checked by the server; the link ends with it
}

// LoginDevice logs in a virtual device of a test app. If the rules of an import refuse to
// register its account, the error is [SlugConflict]. LoginDevice needs the scope write.
func (c *AdminClient) LoginDevice(ctx context.Context, sdkAppID uint32, l DeviceLogin) (*LoggedIn, error) {
	in := new(LoggedIn)
	return result(in, c.call(ctx, adminCall{
		method: http.MethodPost, path: devicesPath(sdkAppID) + ":login", body: adminapi.DeviceLogin(l), resp: in,
	}))
}

// A DeviceAction is what happens to a virtual device.
type DeviceAction string

// Actions of [AdminClient.ChangeDevice].
const (
	LogoutDevice    DeviceAction = "logout"    // its user logs out
	DropLink        DeviceAction = "drop"      // its process is killed, or its page is closed
	SilenceDevice   DeviceAction = "silence"   // its network is gone, and nobody notices
	ReconnectDevice DeviceAction = "reconnect" // it has a link again
)

// ChangeDevice lets something happen to a virtual device of a test app, and returns the
// devices of its account. If there is no such device, the error is [SlugNotFound].
// ChangeDevice needs the scope write.
func (c *AdminClient) ChangeDevice(ctx context.Context, sdkAppID uint32, userID string, device uint64, action DeviceAction) (*AccountDevices, error) {
	return c.devices(ctx, sdkAppID, ":change", adminapi.DeviceChange{UserID: userID, Device: device, Action: string(action)})
}

// A SilenceReason says why nothing is heard of a device.
type SilenceReason string

// Reasons for silence. After the last two, only the link of a mini-program ends later;
// another device stays online in the background, and drops its link when it is left.
const (
	NetworkGone  SilenceReason = "network"
	InBackground SilenceReason = "background"
	LeftProgram  SilenceReason = "left"
)

// SilenceDevice is [AdminClient.ChangeDevice] with the action SilenceDevice, for a reason.
func (c *AdminClient) SilenceDevice(ctx context.Context, sdkAppID uint32, userID string, device uint64, why SilenceReason) (*AccountDevices, error) {
	return c.devices(ctx, sdkAppID, ":change", adminapi.DeviceChange{UserID: userID, Device: device, Action: string(SilenceDevice), Reason: string(why)})
}

// SetCustomStatus sets the custom status of an account of a test app, of at most 100 bytes,
// as its device does. An empty text clears it. If no device of the account is online, the
// error is [SlugNotFound]. SetCustomStatus needs the scope write.
func (c *AdminClient) SetCustomStatus(ctx context.Context, sdkAppID uint32, userID, text string) (*AccountDevices, error) {
	return c.devices(ctx, sdkAppID, ":status", adminapi.CustomStatus{UserID: userID, CustomStatus: text})
}

func (c *AdminClient) devices(ctx context.Context, sdkAppID uint32, path string, body any) (*AccountDevices, error) {
	d := new(AccountDevices)
	return result(d, c.call(ctx, adminCall{method: http.MethodPost, path: devicesPath(sdkAppID) + path, body: body, resp: d}))
}

func devicesPath(sdkAppID uint32) string { return appPath(sdkAppID) + "/devices" }
