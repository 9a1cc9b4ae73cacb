package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
)

// settingsHelp lists every setting, for --help.
func settingsHelp() string {
	var b strings.Builder
	for _, f := range account.SettingForms() {
		fmt.Fprintf(&b, "  %s=%s\n      %s; default: %s\n", f.Name, settingText(f), f.Takes, f.Default)
	}
	return b.String()
}

// settingText returns the example of f as it is written after --setting.
func settingText(f account.SettingForm) string {
	if f.Example[0] == '[' || f.Example[0] == '{' {
		return "'" + f.Example + "'"
	}
	return strings.Trim(f.Example, `"`)
}

// readSettings reads the values of --setting and checks their names and forms.
func readSettings(texts map[string]string) (map[string]any, error) {
	values := make(map[string]any, len(texts))
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		f, err := settingForm("--setting", name)
		if err != nil {
			return nil, err
		}
		if values[name], err = readSetting(f, texts[name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// settingForm returns the form of the setting that a flag names.
func settingForm(flag, name string) (account.SettingForm, error) {
	forms := account.SettingForms()
	names := make([]string, len(forms))
	for i, f := range forms {
		if names[i] = f.Name; f.Name == name {
			return f, nil
		}
	}
	hint := "the settings are " + strings.Join(names, ", ")
	if near := config.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return account.SettingForm{}, &usageError{fmt.Errorf("%s %s: there is no such setting: %s", flag, clean(name), hint)}
}

// readSetting reads the value of one setting. It reads text as JSON if that fits the
// setting, otherwise as a string. The value null resets the setting to its default.
func readSetting(f account.SettingForm, text string) (any, error) {
	for _, value := range []json.RawMessage{json.RawMessage(text), quoted(text)} {
		if !json.Valid(value) {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(fmt.Sprintf("{%q:%s}", f.Name, value)))
		dec.DisallowUnknownFields()
		if dec.Decode(new(account.Settings)) == nil {
			return value, nil
		}
	}
	return nil, &usageError{fmt.Errorf("--setting %s is %s; it takes %s: write --setting %s=%s",
		f.Name, account.Quote(clean(text)), f.Takes, f.Name, settingText(f))}
}

func quoted(text string) json.RawMessage {
	b, _ := json.Marshal(text) // a text always encodes
	return b
}

// newSettings returns the settings of an app to be created.
func newSettings(texts map[string]string) (s client.Settings, err error) {
	values, err := readSettings(texts)
	if err != nil {
		return s, err
	}
	b, err := json.Marshal(values)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}
