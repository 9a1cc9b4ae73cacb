package pseudonym

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestText checks the form of pseudonyms.
func TestText(t *testing.T) {
	k := New()
	for _, tt := range []struct{ text, want string }{
		{"alice", `^[a-z]{5}$`},
		{"Alice_01", `^[A-Z][a-z]{4}_[0-9]{2}$`},
		{"13800138000", `^[0-9]{11}$`},
		{"@TLS#144115", `^@TLS#[0-9]{6}$`},
		{"#TOA#news", `^#TOA#[a-z]{4}$`},
		{"@bad id", `^@[a-z]{3} [a-z]{2}$`},
		{"https://www.example.com/a%2Fb.png?s=1", `^https://[a-z]{3}\.[a-z]{7}\.[a-z]{3}/[a-z]%[0-9][A-F][a-z]\.[a-z]{3}\?[a-z]=[0-9]$`},
		{"HTTP://EXAMPLE", `^HTTP://[A-Z]{7}$`},
		{"小明 is 3", `^\p{Han}{2} [a-z]{2} [0-9]$`},
		{"ひらカナ", `^\p{Hiragana}{2}\p{Katakana}{2}$`},
		{"한국", `^\p{Hangul}{2}$`},
		{"Ünal Жук", `^\p{Lu}\p{Ll}{3} \p{Lu}\p{Ll}{2}$`},
		{"😀!", `^\p{So}!$`},
		{"a\nb\t\x00", `^[a-z]\n[a-z]\t\x00$`},
		{"", `^$`},
		{"--- ___", `^--- ___$`},
	} {
		got := k.Text(tt.text)
		if !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("Text(%q) = %q, want %s", tt.text, got, tt.want)
		}
		checkForm(t, tt.text, got)
		if again := k.Text(tt.text); again != got {
			t.Errorf("Text(%q) = %q and then %q", tt.text, got, again)
		}
	}
	if got := k.Text("\xc4\xe3 \xff"); got != "\xff\xff \xff" {
		t.Errorf("bytes of another encoding = %q", got)
	}
}

// TestURL checks that the pseudonym of a URL is a URL.
func TestURL(t *testing.T) {
	const original = "https://cdn.example.com:8443/u/%E5%B0%8F%e6/a.png?size=64#top"
	for range 50 {
		if got := New().Text(original); !strings.HasPrefix(got, "https://") {
			t.Errorf("%q has another scheme", got)
		} else if u, err := url.Parse(got); err != nil || u.Host == "" || u.Path == "" {
			t.Errorf("%q is no URL: %v", got, err)
		}
	}
}

// TestPermutation checks that all texts of a form have different pseudonyms, none of
// which is its original.
func TestPermutation(t *testing.T) {
	for range 5 {
		k := New()
		for _, width := range []int{1, 2, 3} {
			limit := map[int]int{1: 10, 2: 100, 3: 1000}[width]
			seen := map[string]string{}
			for i := range limit {
				text := fmt.Sprintf("%0*d", width, i)
				got := k.Text(text)
				if other, ok := seen[got]; ok {
					t.Fatalf("%s and %s have the pseudonym %s", text, other, got)
				}
				if got == text {
					t.Fatalf("%s is its own pseudonym", text)
				}
				seen[got] = text
			}
		}
	}
}

// TestKeys checks that another key makes other pseudonyms.
func TestKeys(t *testing.T) {
	const text = "a text that is long enough"
	if a, b := New().Text(text), New().Text(text); a == b {
		t.Errorf("two keys make the same pseudonym %q", a)
	}
}

// TestNumber checks the form of numbers and that they fit the same types.
func TestNumber(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"7", `^[1-9]$`},
		{"0", `^0$`},
		{"-12345", `^-[1-9][0-9]{4}$`},
		{"0.1234", `^0\.[0-9]{4}$`},
		{"1.50e10", `^[1-9]\.[0-9]{2}e10$`},
		{"4294967295", `^[1-9][0-9]{9}$`},
		{"4294967296", `^[1-9][0-9]{9}$`},
		{"0000000000000000001", `^0[0-9]{18}$`},
		{"18446744073709551615", `^1[0-9]{19}$`},
		{"123456789012345678901234567890", `^[1-9][0-9]{29}$`},
	} {
		for range 20 {
			got := New().Number(tt.text)
			if !regexp.MustCompile(tt.want).MatchString(got) || types(got) != types(tt.text) {
				t.Errorf("Number(%s) = %s, want %s and the same types", tt.text, got, tt.want)
			}
			if got == tt.text && tt.text != "0" {
				t.Errorf("Number(%s) stays", tt.text)
			}
		}
	}
}

// types returns the range of the integers of the form of s.
func types(s string) string {
	lo, _, hi, _ := typesOf(strings.TrimPrefix(s, "-"))
	return fmt.Sprint(lo, hi)
}

// TestNumbersDiffer replaces all integers of a small range: none stays, and no two become
// the same.
func TestNumbersDiffer(t *testing.T) {
	k, seen := New(), map[string]bool{}
	for n := 100; n < 1000; n++ {
		s := fmt.Sprint(n)
		p := k.Number(s)
		if p == s || seen[p] {
			t.Errorf("Number(%s) = %s, again or as it was", s, p)
		}
		seen[p] = true
	}
}

// checkForm checks the length of a pseudonym in bytes and characters.
func checkForm(t *testing.T, text, got string) {
	t.Helper()
	if len(got) != len(text) || utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
		t.Errorf("Text(%q) = %q has another length", text, got)
	}
}

// FuzzText checks lengths, kinds, and that nothing to be replaced stays in its place as a
// whole.
func FuzzText(f *testing.F) {
	for _, text := range []string{"alice", "@TLS#NOT", "http://a/%zz", "小明", "\xff\xfe", "a\u0301", "𠀀", "ﬀ", "ß", "١٢٣", "👩‍👩‍👧"} {
		f.Add(text)
	}
	k := New()
	f.Fuzz(func(t *testing.T, text string) {
		got := k.Text(text)
		checkForm(t, text, got)
		replaced := false
		for _, r := range text[len(prefix.FindString(text))+len(scheme.FindString(text)):] {
			replaced = replaced || kindOf(r) != nil
		}
		if replaced && got == text {
			t.Errorf("Text(%q) is its original", text)
		}
		if utf8.ValidString(text) != utf8.ValidString(got) {
			t.Errorf("Text(%q) = %q", text, got)
		}
		if p := k.Number(text); len(p) != len(text) && utf8.ValidString(text) {
			t.Errorf("Number(%q) = %q", text, p)
		}
	})
}
