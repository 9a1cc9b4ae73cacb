package dryrun

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/source"
	"rollcall/internal/store/mem"
)

// TestLikeServer imports random rows into a server, too: it refuses the same rows for the
// same reasons, and has as many accounts then.
func TestLikeServer(t *testing.T) {
	id := rapid.OneOf(rapid.StringMatching(`[aAbB]{1,2}`), rapid.StringMatching(`[ -~]{0,34}`), rapid.StringN(0, 4, 40), rapid.StringMatching(`(@|#TOA#|#)[a-c]{0,2}`), rapid.StringMatching(`[a-z]{28,31}[.~ \x7f\x00é]`))
	value := rapid.OneOf(rapid.StringN(0, 5, -1), rapid.Map(rapid.IntRange(499, 502), func(n int) string { return strings.Repeat("x", n) }), rapid.SampledFrom([]string{"a Word", "WORD", "wor d", ""}))
	rapid.Check(t, func(t *rapid.T) {
		app := account.App{ID: 1, Edition: account.Development, Settings: account.Settings{StrictIDs: rapid.Bool().Draw(t, "strict")}}
		if rapid.Bool().Draw(t, "words") {
			app.Settings.Words = []string{"word"}
		}
		var rows []source.Row
		var items []account.Upsert
		f := &source.File{Name: "f"}
		for i := range rapid.IntRange(0, 30).Draw(t, "rows") {
			u := account.Upsert{ID: account.UserID(id.Draw(t, "id")), Nick: value.Draw(t, "nick"), FaceURL: value.Draw(t, "url")}
			rows = append(rows, source.Row{File: f, Line: i + 1, UserID: []byte(u.ID), Nick: []byte(u.Nick), FaceURL: []byte(u.FaceURL)})
			items = append(items, u)
		}
		d := directory.New(directory.Options{Engine: new(mem.Store)})
		made, err := d.CreateApp(t.Context(), "test", app)
		if err != nil {
			t.Fatal(err)
		}
		results, err := d.Import(t.Context(), made, items)
		if err != nil {
			t.Fatal(err)
		}
		want, failed := map[string]int64{}, int64(0)
		for _, r := range results {
			if r.Code != account.OK {
				want[r.Detail]++
				failed++
			}
		}
		count, err := d.Count(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Run(t.Context(), each(rows), Options{App: made})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, p := range report.Rejections {
			got[p.What] = p.Rows
		}
		if diff := cmp.Diff(want, got); diff != "" || report.Rejected != failed || report.Accounts != count-1 { // besides the administrator
			t.Fatalf("%d rejected, %d accounts; want %d, %d; reasons (-server +dry run):\n%s", report.Rejected, report.Accounts, failed, count-1, diff)
		}
	})
}

// TestTagsLikeServer applies the rules of tags, which a server applies with the same texts.
func TestTagsLikeServer(t *testing.T) {
	app := &account.App{ID: 1, Settings: account.Settings{Words: []string{"word"}, CustomTags: []account.CustomTag{
		{Key: "text"}, {Key: "number", Number: true}, {Key: "ro", NoWrite: true},
	}}}
	d, check := directory.New(directory.Options{Engine: new(mem.Store)}), newChecker(app)
	refused := map[account.Code]bool{}
	for _, tag := range append(app.Tags(), "Tag_Profile_Custom_none") {
		for _, v := range []account.Value{{Text: "Gender_Type_Male"}, {Text: "x"}, {Text: "7"}, {Text: "a word"}, {Text: strings.Repeat("x", 501)}, {IsNumber: true}, {Number: 1 << 32, IsNumber: true}} {
			_, want := d.CheckProfile(app, []directory.Change{{Tag: tag, Value: v}})
			row := &source.Row{UserID: []byte("a"), Tags: []source.Tag{{Name: string(tag), Text: []byte(v.Text), Number: v.Number, IsNumber: v.IsNumber}}}
			got := check.reason(row, letter)
			if (want == nil) != (got == "") || got != account.DetailOf(want) {
				t.Errorf("%s %v: %q, want %v", tag, v, got, want)
			}
			refused[account.CodeOf(want)] = true
		}
	}
	for _, code := range []account.Code{account.OK, account.UnknownTag, account.TagNotWritable, account.ValueType, account.ValueNotAllowed, account.ValueTooLong, account.SensitiveWord} {
		if !refused[code] {
			t.Errorf("no tag had the code %v", code)
		}
	}
}

// FuzzRun reports on anything.
func FuzzRun(f *testing.F) {
	f.Add([]byte("userid,nick\nalice,Alice\nalice,\n@x,y\n1.38E+10,\n7,\n ,NULL\n"))
	f.Add([]byte("{\"userid\":\"a\",\"profile\":{\"Tag_Profile_IM_Level\":7}}\n{\"userid\":\"A\"}\n{\"userid\":\"\"}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Run(t.Context(), source.Read([]string{source.Stdin}, bytes.NewReader(text), source.Options{}), Options{Memory: 1, Dir: t.TempDir()})
		if r == nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, p := range append(r.Rejections, r.Warnings...) {
			if p.Rows < int64(len(p.Examples)) || p.Rows > r.Rows || len(p.Examples) == 0 && p.Rows > 0 {
				t.Errorf("problem %+v", p)
			}
			if p.Kind == "rejected" {
				sum += p.Rows
			}
		}
		if r.Rows != r.Accepted+r.Rejected || sum != r.Rejected || r.Accepted != r.Accounts+r.Duplicates || (err == nil) != (r.Stopped == "") {
			t.Errorf("report %+v, error %v", r, err)
		}
		if r.Text() == "" {
			t.Error("no text")
		}
	})
}
