package view

import "testing"

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"alice":                     "alice",
		"爱丽丝 👩‍👧":                   "爱丽丝 👩‍👧",
		"a\u202eb":                  "a<U+202E>b",
		"a\x00b\tc":                 "a<U+0000>b<U+0009>c",
		"\u200bx\u2028":             "<U+200B>x<U+2028>",
		"bad\xff\xfe":               "bad<0xFF><0xFE>",
		"a \ufffd of its own":       "a \ufffd of its own",
		"<script>alert(1)</script>": "<script>alert(1)</script>", // templ escapes it
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}
