package usersig

import (
	"fmt"
	"strings"
)

// badText says what is wrong with a text that is not base64. It checks the
// characters before the length, because a character that a UserSig cannot
// contain reveals more.
func badText(text string) string {
	if what := notUserSig(text); what != "" {
		return what
	}
	switch at := strings.IndexFunc(text, foreign); {
	case strings.Contains(text, "%"):
		return `it is still percent-encoded: "%" stands in it`
	case strings.Contains(text, " "):
		return `a space stands in it: a "+" that was not percent-encoded in a URL, or a copying mistake`
	case at >= 0:
		return fmt.Sprintf("it is not base64: byte %d is %+q", at+1, text[at:at+1])
	}
	padding := strings.TrimRight(text, "_=")
	switch at := strings.IndexAny(padding, "_="); {
	case at >= 0 && strings.Contains(padding, "_"):
		return fmt.Sprintf(`byte %d is "_", which stands at the end only: it is in another alphabet, perhaps the base64url of RFC 4648; in a UserSig + / = are * - _`, at+1)
	case at >= 0:
		return fmt.Sprintf(`it is not base64: byte %d is "=", which stands at the end only`, at+1)
	case len(text)%4 != 0:
		return "its length is no multiple of four: it was cut off, or lost its padding"
	}
	return "it is not base64: its padding is wrong"
}

// plainWarning warns of the characters of plain base64, which a server accepts
// but a URL query changes. It returns "" if there are none.
func plainWarning(text string) string {
	if !strings.ContainsAny(text, "+/") {
		return ""
	}
	return "it has + or /, as plain base64 does: percent-encode it in a URL, or write * for + and - for /"
}

// foreign reports whether c is in no alphabet of base64.
func foreign(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return !letter && (c < '0' || '9' < c) && !strings.ContainsRune("+/=*-_", c)
}

// emptyWords are the texts that programming languages print for a variable
// without a value.
var emptyWords = []string{"undefined", "null", "None", "nil", "NaN", "<nil>", "[object Object]", "true", "false"}

// notUserSig says what a text is that is not a UserSig at all. It returns "" if
// it does not know.
func notUserSig(text string) string {
	for _, word := range emptyWords {
		if text == word {
			return "it is the word " + word + ": the program sent a variable without a value"
		}
	}
	switch {
	case strings.ContainsAny(text[:1], "\"'`"):
		return fmt.Sprintf("byte 1 is %s: send the text without the quotes around it", text[:1])
	case strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2:
		return "it is a JSON Web Token; a UserSig has another form: JSON, zlib, base64"
	case strings.HasPrefix(text, "{"):
		return "it is JSON itself: zlib and base64 were forgotten"
	case len(text) >= 32 && strings.Trim(text, "0123456789abcdefABCDEF") == "":
		return "it is hexadecimal, as a hash or a secret key is; a UserSig is made with the key, and is base64 that begins with eJ or eA"
	}
	return ""
}

// notZlib returns err, or a better explanation, because some words and hashes
// are valid base64 by chance.
func notZlib(text string, err error) error {
	if what := notUserSig(text); what != "" {
		return refuse(Malformed, "%s", what)
	}
	return err
}

// A repair undoes a change that a UserSig may undergo in transit.
type repair struct {
	undo func(string) string
	why  string
}

var repairs = []repair{
	{fromURL, "it is a piece of a URL; the UserSig stands between usersig= and the next &"},
	{afterScheme, "a word stands before it, as the scheme of an Authorization header; send the text alone"},
	{trimAround, "white space or quotes stand around it; send the text without them"},
	{dropSpace, "line ends or blanks stand in it, as some languages break base64 into lines; take them out"},
	{strings.NewReplacer("%2A", "*", "%2a", "*", "%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=", "%5F", "_", "%5f", "_", "%2D", "-", "%2d", "-", "%25", "%").Replace, "it is percent-encoded once too often"},
	{strings.NewReplacer(" ", "+").Replace, "spaces stand in it where + was: percent-encode it in a URL, or write * for +, as a UserSig does"},
	{fromBase64URL, "it is in the alphabet of RFC 4648 base64url; in a UserSig + / = are * - _, and the padding stays"},
	{padded, "its padding is missing: the _ at the end that make its length a multiple of four"},
}

func fromURL(text string) string {
	_, value, found := strings.Cut(text, "usersig=")
	if !found {
		return text
	}
	value, _, _ = strings.Cut(value, "&")
	return value
}

// afterScheme removes words before the text, as in "Bearer eJw" or "usersig:
// eJw".
func afterScheme(text string) string {
	if i := strings.LastIndexAny(trimAround(text), " \t:"); i >= 0 {
		return trimAround(text)[i+1:]
	}
	return text
}

func trimAround(text string) string { return strings.Trim(text, " \t\r\n\"'`") }

func dropSpace(text string) string { return strings.Join(strings.Fields(text), "") }

func fromBase64URL(text string) string {
	return padded(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "=")))
}

func padded(text string) string {
	return text + strings.Repeat("_", (4-len(text)%4)%4)
}

// whyUnreadable returns what changed text, if undoing the change makes it
// readable. Otherwise it returns otherwise.
func whyUnreadable(text, otherwise string) string {
	if text == "" || len(text) > MaxText || notUserSig(text) != "" {
		return otherwise
	}
	for _, r := range repairs {
		repaired := r.undo(text)
		if repaired == text {
			continue
		}
		if _, err := Parse(repaired); err == nil {
			return r.why
		}
	}
	return otherwise
}
