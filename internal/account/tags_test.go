package account_test

import (
	"strings"
	"testing"

	"rollcall/internal/account"
)

func TestUpsertValidate(t *testing.T) {
	fits, long := strings.Repeat("x", account.MaxValueBytes), strings.Repeat("界", 167) // 501 bytes
	for _, tt := range []struct {
		name   string
		u      account.Upsert
		strict bool
		want   account.Code
		detail string
	}{
		{"full", account.Upsert{ID: "a.b", Nick: fits, FaceURL: fits}, false, account.OK, ""},
		{"id alone", account.Upsert{ID: "a"}, true, account.OK, ""},
		{"strict", account.Upsert{ID: "a.b"}, true, account.InvalidID, "the UserID may hold only letters, digits, _ and -"},
		{"no id", account.Upsert{Nick: long}, false, account.InvalidID, "the UserID is empty; give 1 to 32 bytes"},
		{"nick", account.Upsert{ID: "a", Nick: long}, false, account.ValueTooLong, "Nick is longer than 500 bytes; shorten it"},
		{"picture", account.Upsert{ID: "a", FaceURL: fits + "x"}, false, account.ValueTooLong, "FaceUrl is longer than 500 bytes; shorten it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.u.Validate(tt.strict)
			if account.CodeOf(err) != tt.want || account.DetailOf(err) != tt.detail {
				t.Errorf("got %v, want %v %q", err, tt.want, tt.detail)
			}
		})
	}
}

func TestTagSpecValidate(t *testing.T) {
	const level, gender = account.TagLevel, account.TagGender
	for _, tt := range []struct {
		name string
		tag  account.Tag
		v    account.Value
		want string
	}{
		{"number", level, number(1<<32 - 1), ""},
		{"too large", level, number(1 << 32), "Tag_Profile_IM_Level takes an integer from 0 to 4294967295"},
		{"text for a number", level, text("7"), "Tag_Profile_IM_Level takes an integer from 0 to 4294967295"},
		{"number for a text", account.TagLocation, number(0), "Tag_Profile_IM_Location takes a string"},
		{"of the list", gender, text("Gender_Type_Male"), ""},
		{"not of the list", gender, text("male"), `Tag_Profile_IM_Gender takes one of ["Gender_Type_Unknown" "Gender_Type_Female" "Gender_Type_Male"]`},
		{"longest", account.TagLocation, text(strings.Repeat("x", 500)), ""},
		{"too long", account.TagLocation, text(strings.Repeat("x", 501)), "Tag_Profile_IM_Location is longer than 500 bytes; shorten it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec, ok := account.StandardTag(tt.tag)
			if !ok {
				t.Fatal("no such tag")
			}
			if got := account.DetailOf(spec.Validate(tt.tag, tt.v)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestValidCustom(t *testing.T) {
	for tag, want := range map[account.Tag]bool{
		"Tag_Profile_Custom_level": true, "Tag_Profile_Custom_abcdefgh": true, "Tag_Profile_Custom_abcdefghi": false,
		"Tag_Profile_Custom_": false, "Tag_Profile_Custom_a1": false, "tag_profile_custom_a": false, account.TagNick: false,
	} {
		if got := tag.ValidCustom(); got != want {
			t.Errorf("ValidCustom of %s: %v", tag, got)
		}
	}
}

func TestCheckTag(t *testing.T) {
	app := &account.App{Settings: account.Settings{CustomTags: []account.CustomTag{{Key: "vip", Number: true}, {Key: "ro", NoWrite: true}}}}
	copied := app.Clone()
	lenient := &copied
	lenient.Settings.NumbersAsText = true
	words := account.NewWordList([]string{"spam"})
	for _, tt := range []struct {
		name string
		app  *account.App
		tag  account.Tag
		v    account.Value
		want account.Value
		code account.Code
	}{
		{"text", app, account.TagLocation, text("x"), text("x"), account.OK},
		{"number", app, "Tag_Profile_Custom_vip", number(7), number(7), account.OK},
		{"digits", app, "Tag_Profile_Custom_vip", text("7"), text("7"), account.ValueType},
		{"digits that are allowed", lenient, "Tag_Profile_Custom_vip", text("7"), number(7), account.OK},
		{"no digits", lenient, "Tag_Profile_Custom_vip", text("7x"), text("7x"), account.ValueType},
		{"digits of a text", lenient, account.TagLocation, text("7"), text("7"), account.OK},
		{"unknown", app, "Tag_Profile_Custom_x", text(""), text(""), account.UnknownTag},
		{"not writable", app, "Tag_Profile_Custom_ro", number(1), number(1), account.TagNotWritable},
		{"word", app, account.TagLocation, text("a Spam"), text("a Spam"), account.SensitiveWord},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.app.CheckTag(tt.tag, tt.v, words)
			if got != tt.want || account.CodeOf(err) != tt.code {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, tt.want, tt.code)
			}
		})
	}
}
