package console_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/console/text"
	"rollcall/internal/wire"
)

var inputs = regexp.MustCompile(`(?s)<(?:input|select|textarea)[^>]*name="((?:text|json|lines|number):[^"]*)"[^>]*>`)

// TestTryEveryCommand sends the form of each command as it is, and as text.
func TestTryEveryCommand(t *testing.T) {
	v := newVisitor(t)
	v.make("multiaccount_import", `{"Accounts":["UserID_001","UserID_002","test"]}`)
	for _, c := range wire.Commands {
		p := v.get("./try?command=" + c.Name).ok()
		p.has(`value="`+c.Name+`"`, `aria-current="page">`+c.Name)
		fields := []string{"_form", "call"}
		form := p.body[strings.Index(p.body, `<form id="call"`):]
		form, _, _ = strings.Cut(form, "</form>")
		for _, m := range inputs.FindAllStringSubmatchIndex(form, -1) {
			fields = append(fields, form[m[2]:m[3]], valueAt(form, m[0], m[1]))
		}
		sent := v.post("./try?command="+c.Name, fields...).ok()
		calls := v.srv.Calls(c.Name)
		if len(calls) == 0 || calls[len(calls)-1].Code != 0 {
			t.Errorf("%s with %q: %+v", c.Name, fields, calls)
			continue
		}
		sent.has(calls[len(calls)-1].RequestID, "&#34;ErrorCode&#34;: 0")
		v.get("./try?form=text&command=" + c.Name).ok().has(`name="text:text"`)
	}
}

// valueAt returns the value of the field whose tag is at text[from:to].
func valueAt(text string, from, to int) string {
	tag, rest := text[from:to], text[to:]
	switch {
	case strings.HasPrefix(tag, "<textarea"):
		value, _, _ := strings.Cut(rest, "</textarea>")
		return html.UnescapeString(value)
	case strings.HasPrefix(tag, "<select"):
		options, _, _ := strings.Cut(rest, "</select>")
		if m := regexp.MustCompile(`<option value="([^"]*)" selected`).FindStringSubmatch(options); m != nil {
			return m[1]
		}
		return ""
	}
	if m := regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(tag); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// TestTryTexts checks that each command, example and field has texts.
func TestTryTexts(t *testing.T) {
	v := newVisitor(t)
	key := regexp.MustCompile(`>(try\.[a-z]+\.[A-Za-z_]+)<`)
	for _, c := range wire.Commands {
		if !text.In(text.English).Has("try.command." + c.Name) {
			t.Errorf("%s has no text", c.Name)
		}
		if m := key.FindString(v.get("./try?command=" + c.Name).ok().body); m != "" {
			t.Errorf("%s: no text %s", c.Name, m)
		}
	}
}

func TestTryWrong(t *testing.T) {
	v := newVisitor(t)
	v.submit("./try?command=account_import&form=text", "call", "text:command", "account_import", "text:text", `{"UserID":`).ok().
		has("60003", "Send one JSON object", "/docs/errors#60003", "The same call fails again")
	v.submit("./try?command=account_check", "call", "text:command", "account_check", "json:body.CheckItem", "{").is(http.StatusBadRequest).has("body.CheckItem")
	v.submit("./try", "call", "text:command", "nothing").is(http.StatusBadRequest).has("unknown here")
	v.submit("./try", "call", "text:command", "kick", "text:identifier", "alice", "text:body.UserID", "a").ok().has("70403")

	id := v.make("kick", `{"UserID":"<i>"}`)
	v.get("./try?command=kick&from="+id).ok().has("&lt;i&gt;", `name="text:text"`)
	v.get("./try?command=kick&from=AAAA").is(http.StatusNotFound)
}

func TestTryAnyApp(t *testing.T) {
	v := newVisitor(t)
	if got := v.get("/console/try").done().header.Get("Location"); !strings.HasSuffix(got, "/try") {
		t.Errorf("leads to %s", got)
	}
	stranger(t, v.srv).get("/console/try").is(http.StatusUnauthorized).has(`value="/console/try"`)
}
