package source

import "testing"

// TestLineParser parses lines one at a time. An unknown key is a fault even in the first.
func TestLineParser(t *testing.T) {
	p, err := NewLineParser(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, id, nick, fault string
	}{
		{`{"userid":"a","color":"red"}`, "", "", unknownNames("key", []string{"color"}).Error()},
		{`{"userid":"alice","nick":"Alice"}`, "alice", "Alice", ""},
		{"{\"userid\":\"\xff\"}", "", "", "it is not UTF-8: write it in the encoding of the file"},
		{`{"userid":"bob"}`, "bob", "", ""},
	} {
		r := p.Parse([]byte(c.line))
		if string(r.UserID) != c.id || string(r.Nick) != c.nick || r.Fault != c.fault {
			t.Errorf("%s: %q %q %q", c.line, r.UserID, r.Nick, r.Fault)
		}
	}
	if _, err := NewLineParser(Options{Map: map[string]string{"x": "y"}}); err == nil {
		t.Error("a wrong option has no error")
	}
}
