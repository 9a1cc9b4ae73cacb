package account

import "encoding/json"

// A StoredApp is an app in the form in which a store keeps it: its JSON has the
// secrets of the keys, as that of an [App] does not. It is read as an App.
type StoredApp struct {
	*App
	Keys []storedKey `json:"keys"`
}

// A storedKey is a [Key] that shows all it has.
type storedKey Key

// Stored returns a as a store keeps it.
func (a *App) Stored() StoredApp {
	s := StoredApp{App: a, Keys: make([]storedKey, len(a.Keys))}
	for i, k := range a.Keys {
		s.Keys[i] = storedKey(k)
	}
	return s
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads an app as any version of
// Rollcall stored it:
//
//   - gateway_not_admin, a setting of older versions, is [NotAdminGateway];
//   - hide_unknown_ids asked for what is the default now, and is passed over.
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
