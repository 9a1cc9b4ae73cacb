package recording

import (
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/pseudonym"
	"rollcall/usersig"
)

// Words of the service that are kept wherever they occur.
const (
	administrator = "administrator"  // the admin that every app has from the start
	notFound      = "@TLS#NOT_FOUND" // the id of an unknown account in portrait_get
)

var (
	// plainName matches names of members, parameters and commands that are kept.
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
	// tagName matches the tags of profiles, which are names of fields.
	tagName = regexp.MustCompile(`^Tag_(Profile|SNS|Group)_[A-Za-z]{1,16}(_[A-Za-z]{1,20})?$`)
	// tagValue matches the values of tags that take one of a few words.
	tagValue = regexp.MustCompile(`^(Gender|AllowType|AdminForbid)_Type_[A-Za-z]{1,20}$`)
	// stateWord matches a word of the service in a response.
	stateWord = regexp.MustCompile(`^[A-Za-z0-9_ ]{1,32}$`)
)

// Fields whose values are treated in a way of their own.
var (
	stateFields = []string{"ActionStatus", "AccountStatus", "Status", "State", "Platform"}
	errorFields = []string{"ErrorInfo", "ResultInfo", "ErrorDisplay"}
	codeFields  = []string{"ErrorCode", "ResultCode", "IsNeedDetail", "IsReturnInstid", "IsReturnCustomStatus", "Type", "C2CmsgNospeakingTime", "GroupmsgNospeakingTime"}
	idFields    = []string{"UserID", "Identifier", "To_Account", "From_Account", "Accounts", "Set_Account", "Get_Account", "Robot_Account"}
)

// keptDigits is the number of digits up to which a number is kept outside of ids, because
// it is a switch or a level.
const keptDigits = 3

// A hider replaces the texts of one exchange.
type hider struct {
	key      *pseudonym.Key
	seen     map[string]string // what was replaced, with its pseudonyms
	response bool              // the body is that of the response
}

func newHider(k *pseudonym.Key) *hider { return &hider{key: k, seen: map[string]string{}} }

// hide returns the pseudonym of s. Digits have the same one as the number that they are.
func (h *hider) hide(s string) string {
	if s == "" || s == administrator || s == notFound {
		return s
	}
	p, ok := h.seen[s]
	if !ok {
		if p = h.key.Text(s); isDigits(s) {
			p = h.key.Number(s)
		}
		h.seen[s] = p
	}
	return p
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func (h *hider) bare(word string) string { return h.hide(word) }

func (h *hider) name(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return h.hide(name)
}

func (h *hider) text(field, s string) string {
	switch {
	case (field == "Tag" || field == "TagList") && tagName.MatchString(s),
		field == "Value" && tagValue.MatchString(s),
		h.response && slices.Contains(stateFields, field) && stateWord.MatchString(s):
		return s
	case h.response && slices.Contains(errorFields, field):
		return h.info(s)
	case field == "Value" && s != "" && isNumber(s):
		return h.number(field, s) // clients send numbers as text, and servers return numbers
	}
	return h.hide(s)
}

func (h *hider) number(field, number string) string {
	if slices.Contains(codeFields, field) ||
		!slices.Contains(idFields, field) && len(strings.Trim(number, "-.eE+")) <= keptDigits {
		return number
	}
	if isDigits(number) {
		return h.hide(number)
	}
	p := h.key.Number(number) // a text such as "1.5" has another one, which may be no number
	if _, ok := h.seen[number]; !ok {
		h.seen[number] = p
	}
	return p
}

// path returns an escaped path. The names of services and commands are kept.
func (h *hider) path(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i, segment := range segments {
		if !plainName.MatchString(segment) {
			segments[i] = h.hide(segment)
		}
	}
	return strings.Join(segments, "/")
}

// query returns the parameters of a raw query, and what is in its UserSig.
func (h *hider) query(raw string, now time.Time) (params [][2]string, sig *UserSig) {
	values := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, escaped, _ := strings.Cut(pair, "=")
		name = unescape(name)
		value, err := url.QueryUnescape(escaped)
		if _, ok := values[name]; !ok {
			values[name] = value // "" if the escapes are malformed
		}
		param := [2]string{h.name(name), badEscape}
		if err == nil {
			param[1] = h.param(name, value)
		} else {
			h.hide(escaped) // an error text can repeat it
		}
		params = append(params, param)
	}
	if values["usersig"] != "" {
		sig = h.userSig(values, now)
	}
	return params, sig
}

// unescape decodes a name of a query. What is malformed stands for itself.
func unescape(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

// param returns what is recorded of the value of a parameter.
func (h *hider) param(name, value string) string {
	switch {
	case value == "":
		return ""
	case name == "usersig":
		h.hide(value) // an error text can repeat it
		return signature
	case name == "random" && isUint32(value):
		return random
	case name == "sdkappid" && isDigits(value), name == "contenttype" && value == "json":
		return value
	}
	return h.hide(value)
}

func isUint32(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// userSig returns what is in the UserSig of a query.
func (h *hider) userSig(params map[string]string, now time.Time) *UserSig {
	sig, err := usersig.Parse(params["usersig"])
	if err != nil {
		return &UserSig{}
	}
	u := &UserSig{Version: sig.Version, Age: now.Unix() - sig.IssuedAt, Expire: sig.Expire}
	if strconv.FormatUint(uint64(sig.SDKAppID), 10) != params["sdkappid"] {
		u.SDKAppID = sig.SDKAppID
	}
	if sig.Identifier != params["identifier"] {
		u.Identifier = h.hide(sig.Identifier)
	}
	return u
}

// mediaType returns what is recorded of a Content-Type.
func (h *hider) mediaType(header string) string {
	if t, ok := mediaTypeOf(header); ok {
		return t
	}
	return h.hide(header)
}

// mediaTypeOf returns the media type in a Content-Type with its charset, and whether it
// has the form of one.
func mediaTypeOf(header string) (string, bool) {
	t, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", header == ""
	}
	if charset, ok := params["charset"]; ok && plainName.MatchString(charset) {
		t += "; charset=" + charset
	}
	return t, true
}
