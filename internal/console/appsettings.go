package console

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/console/view"
	"rollcall/internal/region"
)

// settingGroups are the settings in the order of the page. A setting that is in no group
// is in the group other.
var settingGroups = []struct {
	name     string
	settings []string
}{
	{"accounts", []string{"quota", "allow_delete", "tombstone_days", "strict_ids"}},
	{"profile", []string{"custom_tags", "words"}},
	{"access", []string{"allow_sources", "region", "lockout_after"}},
	{"limits", []string{"rate_mode", "app_rate_limit", "rate_limits"}},
	{"answers", []string{
		"not_admin", "kicked_as_expired", "fail_wholly_failed", "echo_unknown_ids", "numbers_as_text", "status_and_state", "send_request_id", "ip_list", "figures_zone",
	}},
	{"logins", []string{
		"login_mode", "devices_per_platform", "web_instances", "push_platforms", "link_timeouts", "kick_event", "kicked_reconnect",
	}},
	{"other", nil},
	{"test", (&account.Settings{AnySignature: true, CORS: true}).TestOnly()},
}

// appSettings shows every setting of the app.
func (v *visit) appSettings() (*content, error) {
	values, err := v.App.Settings.Members()
	if err != nil {
		return nil, err
	}
	byGroup := map[string][]*view.Setting{}
	c := new(content)
	for _, form := range account.SettingForms() {
		group := groupOf(form.Name)
		if group == "test" && !v.App.Test {
			continue
		}
		s := v.setting(form, values[form.Name])
		byGroup[group] = append(byGroup[group], s)
		c.forms = append(c.forms, s.Set, s.Reset)
	}
	var groups []view.SettingGroup
	for _, g := range settingGroups {
		if len(byGroup[g.name]) > 0 {
			groups = append(groups, view.SettingGroup{Name: g.name, Settings: byGroup[g.name]})
		}
	}
	c.page = view.AppSettingsPage(&v.Page, groups)
	return c, nil
}

func groupOf(setting string) string {
	for _, g := range settingGroups {
		if slices.Contains(g.settings, setting) {
			return g.name
		}
	}
	return "other"
}

// setting returns a setting with its forms. value is nil if the setting has its default.
func (v *visit) setting(form account.SettingForm, value json.RawMessage) *view.Setting {
	s := &view.Setting{SettingForm: form, Changed: value != nil}
	s.Set = v.newChange("set-"+form.Name, v.fieldsOf(form, value)...)
	s.Set.Submit, s.Set.Done = "appset.save", "appset.saved"
	s.Reset = v.newChange("reset-"+form.Name, view.Field{Name: memberName(form.Name), Kind: view.Null, Value: "null", Hidden: true})
	s.Reset.Submit, s.Reset.Done, s.Reset.Inline = "appset.reset", "appset.resetted", true
	s.Set.Next = v.In("app/settings") + "#" + form.Name
	s.Reset.Next = s.Set.Next
	return s
}

// memberName returns the name of a setting in the body.
func memberName(setting string) string { return "settings." + setting }

// fieldsOf returns the fields that fit the type of a setting.
func (v *visit) fieldsOf(form account.SettingForm, value json.RawMessage) []view.Field {
	f := view.Field{Name: memberName(form.Name), Kind: view.JSON, Label: form.Name, Value: string(value), Clear: true}
	switch t := typeOf(form.Name); {
	case t.Kind() == reflect.Bool:
		f.Kind, f.Clear, f.Value = view.Bool, false, cmp.Or(f.Value, "false")
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		f.Kind, f.Example = view.Number, form.Example
	case t.Kind() == reflect.String:
		f.Kind, f.Value, f.Choices = view.Text, textOf(value), v.choicesOf(form.Name)
	case t == reflect.TypeFor[map[string]int]():
		return v.limitFields(form.Name, value)
	case isTexts(t) && form.Name != "push_platforms": // an empty list of those is not their default
		f.Kind, f.Value, f.Hint = view.Lines, linesOf(value), "appset.lines"
	default:
		f.Value, f.Example = view.Indent(string(value)), form.Example
	}
	return []view.Field{f}
}

// limitFields returns a field for each command.
func (v *visit) limitFields(setting string, value json.RawMessage) (fields []view.Field) {
	var limits map[string]json.Number
	_ = json.Unmarshal(value, &limits) // it was encoded from numbers; without a value there are none
	for _, command := range v.c.dir.Commands() {
		fields = append(fields, view.Field{
			Name: memberName(setting) + "." + command, Kind: view.Number, Label: command, Value: limits[command].String(), Clear: true,
		})
	}
	return fields
}

// choicesOf returns the values of a setting that is a text, or nil for any text.
func (v *visit) choicesOf(setting string) []view.Choice {
	var values []string
	switch setting {
	case "region":
		values = region.Names()
	case "rate_mode":
		values = []string{string(account.RateShadow), string(account.RateOff)}
	case "login_mode":
		values = []string{string(account.LoginTriple), string(account.LoginDual), string(account.LoginSingle)}
	case "kick_event":
		values = []string{string(account.KickEventDisconnect), string(account.KickEventOff)}
	case "kicked_reconnect":
		values = []string{string(account.KickedReconnectRefuse)}
	case "not_admin":
		values = []string{string(account.NotAdminDocumented), string(account.NotAdminGateway)}
	default:
		return nil
	}
	choices := []view.Choice{{Value: "", Text: v.T("appset.none")}}
	for _, value := range values {
		choices = append(choices, view.Choice{Value: value, Text: value})
	}
	return choices
}

// typeOf returns the type of a setting.
func typeOf(setting string) reflect.Type {
	for f := range reflect.TypeFor[account.Settings]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == setting {
			return f.Type
		}
	}
	return reflect.TypeFor[any]()
}

// isTexts reports whether values of t are lists of texts in JSON.
func isTexts(t reflect.Type) bool {
	if t.Kind() != reflect.Slice {
		return false
	}
	_, isText := reflect.Zero(t.Elem()).Interface().(interface{ MarshalText() ([]byte, error) })
	return isText || t.Elem().Kind() == reflect.String
}

func textOf(value json.RawMessage) (text string) {
	_ = json.Unmarshal(value, &text) // it was encoded from a text; without a value there is none
	return text
}

func linesOf(value json.RawMessage) string {
	var lines []string
	_ = json.Unmarshal(value, &lines) // it was encoded from texts; without a value there are none
	return strings.Join(lines, "\n")
}
