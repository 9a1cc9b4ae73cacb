package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// tagsOf writes the tags of r as name=text or name=#number.
func tagsOf(r *Row) string {
	var all []string
	for _, t := range r.Tags {
		value := string(t.Text)
		if t.IsNumber {
			value = fmt.Sprint("#", t.Number)
		}
		all = append(all, strings.TrimPrefix(t.Name, account.ProfilePrefix)+"="+value)
	}
	return strings.Join(all, " ")
}

// readTags reads text and writes a line for each row: "userid|nick tags" or "!fault".
func readTags(text string, o Options) (string, error) {
	var b strings.Builder
	for r, err := range Read([]string{Stdin}, strings.NewReader(text), o) {
		if err != nil {
			return b.String(), err
		}
		if r.Fault != "" {
			fault, _, _ := strings.Cut(r.Fault, ":")
			fmt.Fprintf(&b, "!%s\n", fault)
			continue
		}
		fmt.Fprintf(&b, "%s|%s %s\n", r.UserID, r.Nick, tagsOf(r))
	}
	return b.String(), nil
}

func TestTags(t *testing.T) {
	many := `{"userid":"a","profile":{`
	for i := range maxTags + 1 {
		many += fmt.Sprintf(`"Tag_Profile_Custom_%c%c":1,`, 'a'+i%26, 'a'+i/26)
	}
	many = strings.TrimSuffix(many, ",") + "}}"
	for _, tt := range []struct {
		name, text string
		o          Options
		want, err  string
	}{
		{
			"table", "userid,Tag_Profile_IM_Gender,Tag_Profile_IM_Level,Tag_Profile_Custom_city,Tag_Profile_Custom_vip:number\n" +
				"a,Gender_Type_Male,7,界,18446744073709551615\nb,,,,\nc,,x,,\nd,,,,18446744073709551616\ne,,,,-1\nf,\"x,y\",0,,\n",
			Options{},
			"a| IM_Gender=Gender_Type_Male IM_Level=#7 Custom_city=界 Custom_vip=#18446744073709551615\nb| \n" +
				"!column 3 has the tag Tag_Profile_IM_Level, which takes digits\n!column 5 has the tag Tag_Profile_Custom_vip, which takes digits\n" +
				"!column 5 has the tag Tag_Profile_Custom_vip, which takes digits\nf| IM_Gender=x,y IM_Level=#0\n", "",
		},
		{"mapped", "userid,sex,age\na,m,7\n", Options{Map: map[string]string{"sex": "Tag_Profile_IM_Gender", "age": "Tag_Profile_Custom_age:number"}}, "a| IM_Gender=m Custom_age=#7\n", ""},
		{"nick as a tag", "userid,Tag_Profile_IM_Nick\na,A\n", Options{}, "a|A \n", ""},
		{"no such tag", "userid,Tag_Profile_IM_Age\na,7", Options{}, "", "the column Tag_Profile_IM_Age is no tag that an app can have"},
		{"no custom tag", "userid,Tag_Profile_Custom_a1\na,7", Options{}, "", "the column Tag_Profile_Custom_a1 is no tag that an app can have"},
		{"text as a number", "userid,Tag_Profile_IM_Gender:number\na,7", Options{}, "", "the column Tag_Profile_IM_Gender:number is no tag that an app can have"},
		{"tag twice", "userid,Tag_Profile_IM_Level,Tag_Profile_IM_Level:number\na,7,7", Options{}, "", "the columns Tag_Profile_IM_Level and Tag_Profile_IM_Level:number mean the same"},
		{"profile in a table", "userid,profile\na,{}", Options{}, "", "the column profile is unknown"},
		{
			"listing in a table", "userid,nick,internal_id,created_at,updated_at,kicked_at,deleted_at,rollcall_line,rollcall_reason\na,A,1,2,3,4,,7,bad\nb,,1,2,3,4,2026-01-01T00:00:00Z,,\n",
			Options{},
			"a|A \n!it is a deleted id, and an import deletes nothing\n", "",
		},
		{
			"objects", `{"userid":"a","profile":{"Tag_Profile_IM_Nick":"A","Tag_Profile_IM_Gender":"G","Tag_Profile_IM_Level":7,"Tag_Profile_Custom_city":"\u754c","Tag_Profile_Custom_vip":0},"nick":null}` + "\n" +
				`{"userid":"b","nick":"B","profile":{"Tag_Profile_Custom_city":"","Tag_Profile_Custom_vip":null}}` + "\n" +
				`{"userid":"c","profile":null,"Tag_Profile_IM_Level":4294967296}` + "\n" + `{"userid":"d","profile":{}}`,
			Options{},
			"!the key \"nick\" means the same as one before it\nb|B \nc| IM_Level=#4294967296\nd| \n", "",
		},
		{
			"wrong objects", `{"userid":"a"}` + "\n" + `{"userid":"a","profile":[]}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_IM_Level":"7"}}` + "\n" +
				`{"userid":"a","profile":{"Tag_Profile_IM_Level":true}}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_IM_Gender":1}}` + "\n" +
				`{"userid":"a","profile":{"Tag_Profile_Custom_vip":-1}}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_Custom_vip":1.0}}` + "\n" +
				`{"userid":"a","profile":{"Tag_Profile_Custom_vip":[1]}}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_IM_Age":1}}` + "\n" +
				`{"userid":"a","profile":{"nick":"x"}}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_IM_Level":1},"Tag_Profile_IM_Level":1}` + "\n" +
				`{"userid":"a","profile":{"Tag_Profile_IM_Level":1,"Tag_Profile_IM_Level":1}}` + "\n" + many + "\n" +
				`{"userid":"a","nick":"x","profile":{"Tag_Profile_IM_Nick":"x"}}` + "\n" + `{"userid":"a","profile":{"Tag_Profile_IM_Level":1,}}` + "\n" + `{"userid":"a","profile":{},"profile":{}}`,
			Options{},
			"a| \n!the value of \"profile\" is no object of tags\n!the value of \"Tag_Profile_IM_Level\" is no number\n!the value of \"Tag_Profile_IM_Level\" is no number\n" +
				"!the value of \"Tag_Profile_IM_Gender\" is no text\n!the value of \"Tag_Profile_Custom_vip\" is no whole number from 0 to 18446744073709551615\n" +
				"!the value of \"Tag_Profile_Custom_vip\" is no whole number from 0 to 18446744073709551615\n!the value of \"Tag_Profile_Custom_vip\" is no text\n" +
				"!the key Tag_Profile_IM_Age is no tag that an app can have\n!the key nick is unknown\n!the key \"Tag_Profile_IM_Level\" means the same as one before it\n!a key occurs twice in the object\n" +
				"!it has more than 32 tags, and no account has\n!the key \"Tag_Profile_IM_Nick\" means the same as one before it\n!malformed JSON\n!a key occurs twice in the object\n", "",
		},
		{
			"options in profile", `{"userid":"a","type":1,"profile":{"phone":[1],"mail":[],"Tag_Profile_IM_Role":"x","city":"x","name":"N"}}` + "\n" + `{"userid":"a","profile":{"id":"b"}}`,
			Options{Ignore: []string{"phone", "mail", "Tag_Profile_IM_Role"}, Map: map[string]string{"city": "Tag_Profile_Custom_city", "name": "nick", "id": "userid"}},
			"a|N Custom_city=x\n!the key id is unknown\n", "",
		},
		{"unknown in profile", `{"userid":"a","profile":{"phone":1}}`, Options{}, "", "the key phone is unknown"},
		{
			"listing in objects", `{"userid":"a","internal_id":7,"created_at":"x","updated_at":null,"kicked_at":{},"deleted_at":null,"rollcall_line":7,"rollcall_reason":"bad"}` + "\n" +
				`{"userid":"a","deleted_at":"2026"}` + "\n" + `{"userid":"a","deleted_at":2026}` + "\n" + `{"deleted_at":"","userid":"b"}`,
			Options{},
			"a| \n!it is a deleted id, and an import deletes nothing\n!it is a deleted id, and an import deletes nothing\nb| \n", "",
		},
		{"array", `[{"userid":"a","profile":{"Tag_Profile_IM_Level":1}},{"userid":"b"}]`, Options{}, "a| IM_Level=#1\nb| \n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readTags(tt.text, tt.o)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), "standard input: line 1: "+tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// TestNoSuchField maps a column to what no account has.
func TestNoSuchField(t *testing.T) {
	err := Options{Map: map[string]string{"age": "Tag_Profile_IM_Age"}}.Check()
	const want = "--map age=Tag_Profile_IM_Age: map the column to userid, nick or face_url, or to a tag such as Tag_Profile_IM_Gender"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestLines checks that the number of a row is that of its line, whatever is in the line.
func TestLines(t *testing.T) {
	text := "\n" + `{"userid":"a"}` + "\r\n \t\n" + `{"phone":"b"}` + "\n\xff\n" + strings.Repeat("x", MaxRecord+1) + "\n\r\n" + `{"userid":"c","profile":{"Tag_Profile_IM_Level":1}}` + "\n" + `"d"` + "\n\n" + `{"userid":"e"}`
	want := []string{"", "a ", "", "!the key phone is unknown", "!it is not UTF-8", "!the line is longer than 65536 bytes, and no account is", "", "c IM_Level=#1", "d ", "", "e "}
	broken := errors.New("cut")
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "in bytes": iotest.OneByteReader(strings.NewReader(text)),
		"cut": io.MultiReader(strings.NewReader(text+`","nick`), iotest.ErrReader(broken)),
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			var failed error
			for r, err := range Lines(r, Options{}) {
				if err != nil {
					failed = err
					break
				}
				fault, _, _ := strings.Cut(r.Fault, ":")
				switch {
				case fault != "":
					got = append(got, "!"+fault)
				case r.UserID == nil:
					got = append(got, "")
				default:
					got = append(got, string(r.UserID)+" "+tagsOf(r))
				}
				if r.Line != len(got) {
					t.Errorf("row %d is line %d", len(got), r.Line)
				}
			}
			want := want
			if name == "cut" {
				want = want[:len(want)-1]
				if !errors.Is(failed, broken) || failed.Error() != "line 11: cut" {
					t.Errorf("error %v, want %v", failed, broken)
				}
			} else if failed != nil {
				t.Error(failed)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
