package account

import (
	"encoding/json"
	"net/netip"
	"strings"

	"rollcall/internal/region"
)

// Settings of an app. The zero Settings are the defaults. [SettingForms] describes the
// values of each setting. docs/settings.md is generated from both.
type Settings struct {
	// Maximum number of accounts of the app. An import above it is refused with
	// 70398. 0 is the default of the edition: 100 for trial, no limit for the others.
	Quota int64 `json:"quota,omitzero"`

	// Allow account_delete, which otherwise returns 71000. Only the paid editions
	// standard, pro and enterprise need it; trial and development always allow
	// deletion.
	AllowDelete bool `json:"allow_delete,omitzero"`

	// Days for which a deleted id cannot be imported again; an import is refused with
	// 70399. It applies only to the paid editions. 0 means 90 days, and the maximum is
	// 36500. With a negative number ids can be imported again at once.
	TombstoneDays int `json:"tombstone_days,omitzero"`

	// Profile fields that the app defines, at most 20. Each has a key of 1 to 8 ASCII
	// letters: the key team defines Tag_Profile_Custom_team. With "number": true the
	// value is an unsigned integer, otherwise a text. With "no_read" portrait_get
	// refuses the field with 40007, and with "no_write" portrait_set refuses it with
	// 40008.
	CustomTags []CustomTag `json:"custom_tags,omitempty"`

	// Sensitive words, at most 10000 of at most 100 bytes. A nick or another profile
	// text that contains one of them, in upper or lower case, is refused with 40005.
	Words []string `json:"words,omitzero"`

	// Addresses and networks from which the app may be called, at most 1000. Other
	// callers get 60021. An empty list allows all addresses.
	AllowSources []netip.Prefix `json:"allow_sources,omitempty"`

	// Addresses and networks that GetIPList returns, at most 1000. An empty list stands
	// for the address of the server at which the call arrived. List the public addresses
	// if the server is behind a proxy or a load balancer.
	IPList []string `json:"ip_list,omitempty"`

	// Data centre of the app. Requests to the host names of other data centres get
	// 70020. Without it all host names serve the app.
	Region string `json:"region,omitzero"`

	// What happens to calls above a rate limit. Without it they are refused. shadow
	// serves, counts and flags them. off does not count calls; use it during a large
	// import.
	RateMode RateMode `json:"rate_mode,omitzero"`

	// Calls per second of single commands. A command that is not named keeps the
	// documented limit. A call above the limit gets 60007.
	RateLimits map[string]int `json:"rate_limits,omitzero"`

	// Calls per second of the whole app. A call above the limit gets 60011. 0 means no
	// limit.
	AppRateLimit int `json:"app_rate_limit,omitzero"`

	// Number of bad signatures from one source address in a minute after which the app
	// returns 70050 to that address for a minute. 0 means never. Each node of a service
	// counts by itself.
	LockoutAfter int `json:"lockout_after,omitzero"`

	// Accept only UserIDs of letters, digits, _ and -.
	StrictIDs bool `json:"strict_ids,omitzero"`

	// Return 70001 instead of 70052 for a UserSig that was signed before a kick.
	KickedAsExpired bool `json:"kicked_as_expired,omitzero"`

	// Code for a caller who is not an admin. Without it the code is 70403 in
	// im_open_login_svc and 60010 in the other services. documented is 70403, 40004,
	// 90009, 10008 or 60010, depending on the service. gateway is 60010 in every service.
	NotAdmin NotAdminMode `json:"not_admin,omitzero"`

	// Let a multiaccount_import in which every item fails for the same reason return
	// the code of that reason instead of OK.
	FailWhollyFailed bool `json:"fail_wholly_failed,omitzero"`

	// Let portrait_get return unknown ids as they are instead of as @TLS#NOT_FOUND.
	EchoUnknownIDs bool `json:"echo_unknown_ids,omitzero"`

	// Let portrait_set also accept digits in a JSON string for number tags.
	NumbersAsText bool `json:"numbers_as_text,omitzero"`

	// Give each item of query_online_status and querystate both names, Status and
	// State.
	StatusAndState bool `json:"status_and_state,omitzero"`

	// Devices of one account that can be logged in at once. Without it each platform has
	// places of its own. triple shares one place among Android, iPhone and iPad and one
	// among Windows, Mac and Linux. dual shares one among all of these. Browsers have places
	// of their own in all three. single leaves one device in all. A device that logs in
	// takes the place of the one that has been logged in longest.
	LoginMode LoginMode `json:"login_mode,omitzero"`

	// Devices of one account that can be logged in at once on each platform other than
	// Web, 1 to 3. 0 means 1. It has no effect with a login_mode.
	DevicesPerPlatform int `json:"devices_per_platform,omitzero"`

	// Browsers and mini-programs of one account that can be logged in at once, 1 to 10. 0
	// means 1. It has no effect with the login_mode single.
	WebInstances int `json:"web_instances,omitzero"`

	// Platforms on which a device without a link is PushOnline for 7 days, and not Offline
	// at once. Web and MiniProgram cannot be among them.
	PushPlatforms []Platform `json:"push_platforms,omitzero"`

	// Seconds of silence after which the link of a device counts as gone, by platform.
	// Without it they are 400, and 60 on Web and MiniProgram. 1 to 86400.
	LinkTimeouts map[Platform]int `json:"link_timeouts,omitzero"`

	// Event of each device that a kick or a deletion of its account logs out. Without it
	// State.StateChange reports a Logout. disconnect reports a Disconnect, and off nothing.
	KickEvent KickEvent `json:"kick_event,omitzero"`

	// What happens when a device reconnects after another one has taken its place. Without
	// it the device logs in. refuse refuses it with 6208.
	KickedReconnect KickedReconnect `json:"kicked_reconnect,omitzero"`

	// Time zone of the days of getappinfo and of the figures per day, as a name of the tz
	// database such as Europe/Berlin. Without it they are days of China, UTC+8. A change
	// applies to what happens from then on.
	FiguresZone string `json:"figures_zone,omitzero"`

	// Put RequestId into the body of responses.
	SendRequestID bool `json:"send_request_id,omitzero"`

	// Accept any well-formed UserSig of the app, regardless of the key that signed it.
	// Only test apps can have this setting.
	AnySignature bool `json:"any_signature,omitzero"`

	// Answer the pre-flight requests (OPTIONS) of browsers, so that a page of another
	// origin can call the app. A page that does so contains a UserSig of an admin, which
	// every visitor can read. Only test apps can have this setting.
	CORS bool `json:"cors,omitzero"`
}

// Members returns the settings in s that differ from their defaults, as JSON by name.
func (s *Settings) Members() (members map[string]json.RawMessage, err error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return members, json.Unmarshal(text, &members)
}

// TestOnly returns the names of the settings in s that only test apps can have.
func (s *Settings) TestOnly() (names []string) {
	if s.AnySignature {
		names = append(names, "any_signature")
	}
	if s.CORS {
		names = append(names, "cors")
	}
	return names
}

// ClearTestOnly resets the settings that only test apps can have.
func (s *Settings) ClearTestOnly() { s.AnySignature, s.CORS = false, false }

// A SettingForm describes the values of a field of [Settings].
type SettingForm struct {
	Name    string // name in JSON
	Takes   string // form of the value
	Default string // value and effect without the setting
	Example string // an example of the value, as JSON
}

const switchForm = "true or false"

// SettingForms returns the form of each field of [Settings], in the order of the fields.
func SettingForms() []SettingForm {
	return []SettingForm{
		{"quota", "a whole number from 0 up", "0, the limit of the edition", `1000`},
		{"allow_delete", switchForm, "false", `true`},
		{"tombstone_days", "a whole number", "0, which is 90 days", `30`},
		{"custom_tags", "a list of objects with a key", "[]", `[{"key":"team"},{"key":"score","number":true}]`},
		{"words", "a list of texts", "[]", `["rude","ruder"]`},
		{"allow_sources", "a list of networks", "[], all", `["192.0.2.0/24","2001:db8::1/128"]`},
		{"ip_list", "a list of addresses and networks", "[], the address that the call arrived at", `["203.0.113.7","198.51.100.0/24"]`},
		{"region", "one of " + strings.Join(region.Names(), ", "), "none", `"singapore"`},
		{"rate_mode", "shadow or off", "calls over a limit are refused", `"off"`},
		{"rate_limits", "an object of commands and numbers from 1 up", "{}, the documented limits", `{"account_import":500}`},
		{"app_rate_limit", "a whole number from 0 up", "0, none", `1000`},
		{"lockout_after", "a whole number from 0 up", "0, never", `20`},
		{"strict_ids", switchForm, "false", `true`},
		{"kicked_as_expired", switchForm, "false", `true`},
		{"not_admin", "documented or gateway", "70403 and 60010, as the live service", `"gateway"`},
		{"fail_wholly_failed", switchForm, "false", `true`},
		{"echo_unknown_ids", switchForm, "false", `true`},
		{"numbers_as_text", switchForm, "false", `true`},
		{"status_and_state", switchForm, "false", `true`},
		{"login_mode", "triple, dual or single", "each platform has places of its own", `"single"`},
		{"devices_per_platform", "a whole number from 0 to 3", "0, which is 1", `2`},
		{"web_instances", "a whole number from 0 to 10", "0, which is 1", `10`},
		{"push_platforms", "a list of platforms", `["Android","iPhone","iPad"]`, `["Android","iPhone","iPad","Mac"]`},
		{"link_timeouts", "an object of platforms and seconds", "{}, which is 400 and for browsers 60", `{"Android":300}`},
		{"kick_event", "disconnect or off", "a Logout", `"off"`},
		{"kicked_reconnect", "refuse", "the device logs in", `"refuse"`},
		{"figures_zone", "a name of the tz database", "Asia/Shanghai, UTC+8", `"Europe/Berlin"`},
		{"send_request_id", switchForm, "false", `true`},
		{"any_signature", switchForm, "false", `true`},
		{"cors", switchForm, "false", `true`},
	}
}

// A RateMode selects what happens to calls above a rate limit.
type RateMode string

// Rate modes. The zero RateMode is RateEnforce.
const (
	RateEnforce RateMode = ""       // refuse
	RateShadow  RateMode = "shadow" // serve, count and flag
	RateOff     RateMode = "off"    // do not count
)

// A NotAdminMode selects the code for a caller who is not an admin.
type NotAdminMode string

// Modes. The zero NotAdminMode is NotAdminLive.
const (
	NotAdminLive       NotAdminMode = ""           // 70403 in im_open_login_svc, 60010 in the other services
	NotAdminDocumented NotAdminMode = "documented" // 70403, 40004, 90009, 10008 or 60010, depending on the service
	NotAdminGateway    NotAdminMode = "gateway"    // 60010 in every service
)
