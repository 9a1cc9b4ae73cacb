package webhooks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Limits of URLs.
const (
	maxURL   = 2048 // bytes
	maxHost  = 253  // bytes of a name, the limit of DNS
	maxLabel = 63   // bytes between two dots (protocol-sessions.md §8.2)
)

// ParseURL parses the URL of a webhook. Its error is one sentence that says what is wrong and
// does not repeat the URL.
//
// The rules for the host are the vendor's (protocol-sessions.md §8.2). A query is allowed.
func ParseURL(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("the URL has %d bytes, and may have %d", len(text), maxURL)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
		return nil, errors.New("the URL contains a blank, a control character or one that is not ASCII; write %20 for a blank, and a name of another script as xn--…")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be read; give one such as https://example.com/webhook")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL begins with neither http:// nor https://; give one such as https://example.com/webhook")
	case u.Opaque != "" || u.Host == "":
		return nil, errors.New("the URL has no host; give one such as https://example.com/webhook")
	case u.User != nil:
		return nil, errors.New("the URL contains a user or a password, which every log would show; use a token instead")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("the URL contains #, and what follows it is never sent; remove it")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, errors.New("the query of the URL cannot be read; escape % as %25 and ; as %3B")
	}
	return u, errors.Join(checkHost(u.Hostname()), checkPort(u))
}

func checkPort(u *url.URL) error {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return errors.New("the URL has a colon without a port; remove the colon, or add the port")
		}
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port of the URL is not a number from 1 to 65535")
	}
	return nil
}

// checkHost checks a name, or an IP address without brackets.
func checkHost(host string) error {
	if strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return errors.New("the host of the URL is no address; give an IPv6 address in brackets and without a zone")
		}
		return nil
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > maxHost {
		return fmt.Errorf("the host of the URL has %d bytes, and may have %d", len(name), maxHost)
	}
	for label := range strings.SplitSeq(name, ".") {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("the host of the URL has an empty part; remove the dot, or add what is missing")
	case len(label) > maxLabel:
		return fmt.Errorf("a part of the host of the URL has %d bytes, and may have %d", len(label), maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return errors.New("a part of the host of the URL begins or ends with a hyphen")
	case strings.ContainsFunc(label, func(r rune) bool { return !hostRune(r) }):
		return errors.New("the host of the URL contains a character other than letters, digits, hyphens and dots")
	}
	return nil
}

func hostRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-'
}
