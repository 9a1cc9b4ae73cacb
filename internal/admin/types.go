package admin

import (
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// A Time is written in RFC 3339, in UTC with milliseconds.
type Time time.Time

// MarshalText implements [encoding.TextMarshaler].
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. A time lies between the years
// 1970 and 9999: what is before would pass for no time where it is cut to
// milliseconds, and what is after cannot be written.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(time.RFC3339, string(text))
	if year := parsed.UTC().Year(); err == nil && (year < 1970 || year > 9999) {
		err = errors.New("the year is not one from 1970 to 9999")
	}
	*t = Time(parsed)
	return err
}

// IsZero reports whether t says nothing.
func (t Time) IsZero() bool { return time.Time(t).IsZero() }

// An App is an app as the API shows it.
type App struct {
	SDKAppID  uint32           `json:"sdkappid"`
	Name      string           `json:"name"`
	Edition   account.Edition  `json:"edition"`
	Disabled  bool             `json:"disabled"`
	Test      bool             `json:"test"`
	CreatedAt Time             `json:"created_at"`
	Version   uint64           `json:"version"` // one more with each change; for If-Match
	Admins    []account.UserID `json:"admins"`
	Settings  account.Settings `json:"settings"`
	Keys      []Key            `json:"keys"`
}

func showApp(a *account.App) App {
	keys := make([]Key, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = showKey(k)
	}
	return App{
		SDKAppID: uint32(a.ID), Name: a.Name, Edition: a.Edition, Disabled: a.Disabled, Test: a.Test,
		CreatedAt: Time(a.Created), Version: a.Version, Admins: a.Admins, Settings: a.Settings, Keys: keys,
	}
}

// A Key is what may be shown of a key.
type Key struct {
	ID          string          `json:"id"`
	Kind        account.KeyKind `json:"kind"`
	CreatedAt   Time            `json:"created_at"`
	RetiredAt   Time            `json:"retired_at,omitzero"`
	Fingerprint string          `json:"fingerprint"` // the first 16 hexadecimal digits of the SHA-256 of the secret
}

func showKey(k account.Key) Key {
	return Key{ID: k.ID, Kind: k.Kind, CreatedAt: Time(k.Created), RetiredAt: Time(k.Retired), Fingerprint: k.Fingerprint()}
}

// An Account is an account as the API shows it.
type Account struct {
	UserID     account.UserID        `json:"userid"`
	Nick       string                `json:"nick"`
	FaceURL    string                `json:"face_url"`
	InternalID string                `json:"internal_id"` // decimal; not every JSON reader keeps 63 bits
	CreatedAt  Time                  `json:"created_at"`
	UpdatedAt  Time                  `json:"updated_at"`
	KickedAt   string                `json:"kicked_at,omitempty"` // RFC 3339 in whole seconds; absent if never
	Profile    map[account.Tag]Value `json:"profile"`
}

// A Value is a text or a number of a profile.
type Value account.Value

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) {
	if v.IsNumber {
		return strconv.AppendUint(nil, v.Number, 10), nil
	}
	return json.Marshal(v.Text, jsontext.AllowInvalidUTF8(true))
}

func showAccount(a account.Account) Account {
	shown := Account{
		UserID: a.ID, Nick: a.Nick, FaceURL: a.FaceURL, InternalID: strconv.FormatUint(a.InternalID, 10),
		CreatedAt: Time(a.Created), UpdatedAt: Time(a.Updated), Profile: map[account.Tag]Value{},
	}
	if a.Kicked > 0 {
		shown.KickedAt = time.Unix(a.Kicked, 0).UTC().Format(time.RFC3339)
	}
	for _, f := range a.Profile {
		shown.Profile[f.Tag] = Value(f.Value)
	}
	return shown
}

// A Token is what may be shown of a token.
type Token struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"` // the actor in the audit trail
	Scopes    []account.Scope `json:"scopes"`
	CreatedAt Time            `json:"created_at"`
	ExpiresAt Time            `json:"expires_at,omitzero"`
}

func showToken(t *account.Token) Token {
	return Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes, CreatedAt: Time(t.Created), ExpiresAt: Time(t.Expires)}
}

// An Entry is one entry of the audit trail.
type Entry struct {
	Seq      uint64        `json:"seq"`
	Time     Time          `json:"time"`
	Actor    string        `json:"actor"`
	TokenID  string        `json:"token_id,omitempty"` // of the actor's token, since names are not unique; absent for the server
	Action   string        `json:"action"`
	SDKAppID account.AppID `json:"sdkappid"` // 0 if the entry is of no app
	Detail   string        `json:"detail"`
}

func showEntry(e account.AuditEntry) Entry {
	return Entry{Seq: e.Seq, Time: Time(e.Time), Actor: e.Actor, TokenID: e.TokenID, Action: e.Action, SDKAppID: e.App, Detail: e.Detail}
}
