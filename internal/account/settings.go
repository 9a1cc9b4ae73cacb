package account

import (
	"net/netip"
	"strings"

	"rollcall/internal/region"
)

// Settings of an app. The zero Settings are the defaults. [SettingForms] says what
// each takes; docs/settings.md is made of both.
type Settings struct {
	// Most accounts that the app may hold. An import beyond it is refused with
	// 70398. 0 is the edition's own: 100 for trial, no limit for the others.
	Quota int64 `json:"quota,omitzero"`

	// Allow account_delete, which answers 71000 otherwise. Only the paid editions
	// standard, pro and enterprise need it: trial and development always allow it.
	AllowDelete bool `json:"allow_delete,omitzero"`

	// Days for which a deleted id cannot be imported again; it is refused with
	// 70399. Only for the paid editions. 0 is 90, the most 36500; with a negative
	// number ids come back at once.
	TombstoneDays int `json:"tombstone_days,omitzero"`

	// Profile fields of the app's own, at most 20. Each has a key of 1 to 8 ASCII
	// letters: the key team declares Tag_Profile_Custom_team. With "number": true its
	// value is an unsigned integer, otherwise text; "no_read" and "no_write" close it
	// to portrait_get (40007) and portrait_set (40008).
	CustomTags []CustomTag `json:"custom_tags,omitempty"`

	// Sensitive words, at most 10000 of at most 100 bytes. A nick or another profile
	// text that contains one, in any case, is refused with 40005.
	Words []string `json:"words,omitzero"`

	// Addresses and networks from which the app may be called, at most 1000; other
	// callers get 60021. An empty list allows all.
	AllowSources []netip.Prefix `json:"allow_sources,omitempty"`

	// Data centre of the app. Requests to the host names of other centres answer
	// 70020. Without it every host serves the app.
	Region string `json:"region,omitzero"`

	// What happens to calls over a rate limit. Without it they are refused; shadow
	// serves, counts and flags them; off does not count. Set off during a large
	// import.
	RateMode RateMode `json:"rate_mode,omitzero"`

	// Calls per second of single commands; one that is not named keeps the
	// documented limit. A call over it answers 60007.
	RateLimits map[string]int `json:"rate_limits,omitzero"`

	// Calls per second of the whole app. A call over it answers 60011. 0 is no
	// limit.
	AppRateLimit int `json:"app_rate_limit,omitzero"`

	// Bad signatures from one source address in a minute, after which the app
	// answers 70050 there for a minute. 0 is never.
	LockoutAfter int `json:"lockout_after,omitzero"`

	// Take UserIDs of letters, digits, _ and - only.
	StrictIDs bool `json:"strict_ids,omitzero"`

	// Answer 70001 instead of 70052 to a UserSig from before a kick.
	KickedAsExpired bool `json:"kicked_as_expired,omitzero"`

	// Code for a caller who is no admin. Without it 70403 in im_open_login_svc and
	// 60010 in the other services; documented is 70403, 40004 or 90009 by service;
	// gateway is 60010 everywhere.
	NotAdmin NotAdminMode `json:"not_admin,omitzero"`

	// Let a multiaccount_import of which every item fails for the same reason answer
	// that reason's code instead of OK.
	FailWhollyFailed bool `json:"fail_wholly_failed,omitzero"`

	// Let portrait_get repeat unknown ids by name instead of as @TLS#NOT_FOUND.
	EchoUnknownIDs bool `json:"echo_unknown_ids,omitzero"`

	// Let portrait_set take digits in a JSON string for number tags too.
	NumbersAsText bool `json:"numbers_as_text,omitzero"`

	// Give each item of query_online_status and querystate both names, Status and
	// State.
	StatusAndState bool `json:"status_and_state,omitzero"`

	// Put RequestId into the body of answers.
	SendRequestID bool `json:"send_request_id,omitzero"`

	// Test apps only: accept any well-formed UserSig of the app, whatever key signed
	// it.
	AnySignature bool `json:"any_signature,omitzero"`
}

// A SettingForm says what a field of [Settings] takes.
type SettingForm struct {
	Name    string // in JSON
	Takes   string // the form of its value
	Default string // what holds without it
	Example string // its value, as JSON
}

const switchForm = "true or false"

// SettingForms returns the form of each field of [Settings], in their order.
func SettingForms() []SettingForm {
	return []SettingForm{
		{"quota", "a whole number from 0 up", "0, the edition's own", `1000`},
		{"allow_delete", switchForm, "false", `true`},
		{"tombstone_days", "a whole number", "0, which is 90 days", `30`},
		{"custom_tags", "a list of objects with a key", "[]", `[{"key":"team"},{"key":"score","number":true}]`},
		{"words", "a list of texts", "[]", `["rude","ruder"]`},
		{"allow_sources", "a list of networks", "[], all", `["192.0.2.0/24","2001:db8::1/128"]`},
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
		{"send_request_id", switchForm, "false", `true`},
		{"any_signature", switchForm, "false", `true`},
	}
}

// A RateMode says what happens to calls over a limit.
type RateMode string

// Rate modes. The zero RateMode is RateEnforce.
const (
	RateEnforce RateMode = ""       // refuse
	RateShadow  RateMode = "shadow" // serve, count and flag
	RateOff     RateMode = "off"    // do not count
)

// A NotAdminMode says which code answers a caller who is no admin.
type NotAdminMode string

// Modes. The zero NotAdminMode is NotAdminLive.
const (
	NotAdminLive       NotAdminMode = ""           // 70403 in im_open_login_svc, 60010 in the other services
	NotAdminDocumented NotAdminMode = "documented" // 70403, 40004 or 90009, by service
	NotAdminGateway    NotAdminMode = "gateway"    // 60010 in every service
)
