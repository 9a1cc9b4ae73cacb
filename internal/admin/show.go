package admin

import (
	"encoding/json"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func showApp(a *account.App) adminapi.App {
	keys := make([]adminapi.Key, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = showKey(k)
	}
	return adminapi.App{
		SDKAppID: uint32(a.ID), Name: a.Name, Edition: string(a.Edition), Disabled: a.Disabled, Test: a.Test,
		CreatedAt: a.Created, Version: a.Version, Admins: texts[string](a.Admins), Settings: a.Settings, Keys: keys,
		ExpiresAt: a.Expires,
	}
}

// texts returns texts of one type as those of another.
func texts[To, From ~string](from []From) []To {
	to := make([]To, len(from))
	for i, text := range from {
		to[i] = To(text)
	}
	return to
}

func showKey(k account.Key) adminapi.Key {
	return adminapi.Key{ID: k.ID, Kind: string(k.Kind), CreatedAt: k.Created, RetiredAt: k.Retired, Fingerprint: k.Fingerprint()}
}

func showAccount(a account.Account) adminapi.Account {
	shown := adminapi.Account{
		UserID: string(a.ID), Nick: a.Nick, FaceURL: a.FaceURL, InternalID: strconv.FormatUint(a.InternalID, 10),
		CreatedAt: a.Created, UpdatedAt: a.Updated, Profile: map[string]json.RawMessage{},
	}
	if a.Kicked > 0 {
		shown.KickedAt = time.Unix(a.Kicked, 0)
	}
	for _, f := range a.Profile {
		shown.Profile[string(f.Tag)] = showValue(f.Value)
	}
	return shown
}

func showValue(v account.Value) json.RawMessage {
	if v.IsNumber {
		return strconv.AppendUint(nil, v.Number, 10)
	}
	b, _ := jsonv2.Marshal(v.Text, jsontext.AllowInvalidUTF8(true)) // a text always encodes
	return json.RawMessage(b)
}

func showToken(t *account.Token) adminapi.Token {
	return adminapi.Token{ID: t.ID, Name: t.Name, Scopes: texts[string](t.Scopes), CreatedAt: t.Created, ExpiresAt: t.Expires}
}

func showEntry(e account.AuditEntry) adminapi.Entry {
	return adminapi.Entry{Seq: e.Seq, Time: e.Time, Actor: e.Actor, TokenID: e.TokenID, Action: e.Action, SDKAppID: uint32(e.App), Detail: e.Detail}
}
