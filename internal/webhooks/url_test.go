package webhooks_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/internal/webhooks"
)

func TestParseURL(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, text := range []string{
		"http://example.com", "https://example.com:8443/a/b?c=d&e", "http://192.0.2.1/x", "http://[2001:db8::1]:80/", "https://a-b.example./",
		"http://localhost", "HTTP://EXAMPLE.com", "http://xn--fiqs8s/", "https://" + label + ".com", "http://h/%20", "http://h?a=%2F",
	} {
		if _, err := webhooks.ParseURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", "begins with neither"},
		{"example.com/x", "begins with neither"},
		{"ftp://example.com", "begins with neither"},
		{"http:example.com", "has no host"},
		{"http:///x", "has no host"},
		{"https://user:pass@example.com", "a user or a password"},
		{"https://example.com/#x", "contains #"},
		{"https://example.com/#", "contains #"},
		{"https://exa mple.com", "a blank"},
		{"https://例え.jp", "not ASCII"},
		{"https://example.com/\x00", "a control character"},
		{"https://exa_mple.com", "other than letters"},
		{"https://exa!mple.com", "other than letters"},
		{"https://a$b.com", "other than letters"},
		{"https://-a.com", "a hyphen"},
		{"https://a-.com", "a hyphen"},
		{"https://a..com", "an empty part"},
		{"https://.", "an empty part"},
		{"https://" + label + "a.com", "has 64 bytes"},
		{"https://" + strings.Repeat("abc.", 64) + "com", "has 259 bytes"},
		{"https://example.com:0", "the port"},
		{"https://example.com:65536", "the port"},
		{"https://example.com:", "colon without a port"},
		{"https://example.com:abc", "cannot be read"},
		{"http://[fe80::1%25eth0]/", "without a zone"},
		{"http://[::g]/", "cannot be read"},
		{"http://h/%zz", "cannot be read"},
		{"http://h/?a=%zz", "query"},
		{"http://h/?a;b", "query"},
		{"http://h/" + strings.Repeat("a", 2048), "has 2057 bytes"},
	} {
		u, err := webhooks.ParseURL(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.100q: %v, %v; want an error with %q", tt.text, u, err, tt.want)
		} else if len(tt.text) > 20 && strings.Contains(err.Error(), tt.text) {
			t.Errorf("the error repeats the URL: %v", err)
		}
	}
}

// FuzzParseURL checks what every accepted URL has.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"http://h", "https://a-b.c:1/?x=%2F", "http://[::1]/", "http://1.2.3.4", "http://u@h", "http://h#", "http://a\\b", "http://h:80:90"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := webhooks.ParseURL(text)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" || len(text) > 2048 {
			t.Errorf("%q became %+v", text, u)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.RawQuery != u.RawQuery {
			t.Errorf("%q became %q, which is another URL: %v", text, u, err)
		}
		if strings.ContainsAny(u.Hostname(), "!$&?@/\\ _%") {
			t.Errorf("%q has the host %q", text, u.Hostname())
		}
	})
}
