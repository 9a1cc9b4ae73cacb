package account

import "encoding/json"

// A StoredApp is an app as a store keeps it. Its JSON contains the secrets of the keys;
// the JSON of an [App] does not. The JSON of a StoredApp is decoded into an App.
type StoredApp struct {
	*App
	Keys []storedKey `json:"keys"`
}

// A storedKey is a [Key] whose JSON contains its secret.
type storedKey Key

// Stored returns a in the form that a store keeps.
func (a *App) Stored() StoredApp {
	s := StoredApp{App: a, Keys: make([]storedKey, len(a.Keys))}
	for i, k := range a.Keys {
		s.Keys[i] = storedKey(k)
	}
	return s
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads an app that any version of
// Rollcall has stored:
//
//   - gateway_not_admin, a setting of older versions, becomes [NotAdminGateway].
//   - hide_unknown_ids, a setting whose effect is the default now, is ignored.
func (a *App) UnmarshalJSON(b []byte) error {
	type plain App // without this method
	if err := json.Unmarshal(b, (*plain)(a)); err != nil {
		return err
	}
	var older struct {
		Settings struct {
			GatewayNotAdmin bool `json:"gateway_not_admin"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(b, &older); err != nil {
		return err
	}
	if older.Settings.GatewayNotAdmin && a.Settings.NotAdmin == NotAdminLive {
		a.Settings.NotAdmin = NotAdminGateway
	}
	return nil
}
