package text

import (
	"encoding/json"
	"os"
	"testing"

	"rollcall/internal/account"
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
