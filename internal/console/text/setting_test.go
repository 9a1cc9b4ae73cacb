package text

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
)

// TestSettings checks that every setting is explained in all languages, in English with
// the words of its comment in package account.
func TestSettings(t *testing.T) {
	b, err := os.ReadFile("../../../docs/openapi/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas struct {
				Settings struct {
					Properties map[string]struct{ Description string }
				}
			}
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	properties := doc.Components.Schemas.Settings.Properties
	en, zh := In(English), In(Chinese)
	for _, f := range account.SettingForms() {
		what, def := "setting."+f.Name+".what", "setting."+f.Name+".default"
		if !zh.Has(what) || !zh.Has(def) {
			t.Errorf("zh.yaml lacks %s or %s", what, def)
		}
		if want := properties[f.Name].Description; want == "" || en.T(what) != want {
			t.Errorf("%s is %q, want %q", what, en.T(what), want)
		}
		if en.T(def) != f.Default {
			t.Errorf("%s is %q, want %q", def, en.T(def), f.Default)
		}
	}
}

// TestServerSettings checks that every setting of the server is explained in all languages,
// in English with the words of the command line, and that no other one is.
func TestServerSettings(t *testing.T) {
	en, zh := In(English), In(Chinese)
	known := map[string]bool{}
	for _, s := range config.Settings() {
		key := "serverset.of." + s.Key
		known[key] = true
		if !zh.Has(key) {
			t.Errorf("zh.yaml lacks %s", key)
		}
		if en.T(key) != s.Help {
			t.Errorf("%s is %q, want %q", key, en.T(key), s.Help)
		}
	}
	for _, key := range en.Keys() {
		if strings.HasPrefix(key, "serverset.of.") && !known[key] {
			t.Errorf("%s explains no setting", key)
		}
	}
}
