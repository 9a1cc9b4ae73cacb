package recording

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/wire"
)

// maxWatched is the number of accounts whose state before a recording is remembered.
const maxWatched = 10000

// A survey is what a replay must know of a recording before its first call.
type survey struct {
	calls      int
	unreadable int             // lines
	app        uint32          // the first app that let a caller in, or the first one at all
	named      uint32          // the first SDKAppID in a URL
	otherApps  int             // further ones
	admins     map[string]bool // callers that were let in
	before     map[string]accountState
}

// An accountState is what a recording says about an account before its first call.
type accountState byte

// States.
const (
	unknown accountState = iota // the first call about it was an import that succeeded
	existing
	missing
)

// surveyOf reads a recording once.
func surveyOf(rec *Recording) (*survey, error) {
	s := &survey{admins: map[string]bool{}, before: map[string]accountState{}}
	apps := map[uint32]bool{}
	for e, err := range rec.Exchanges() {
		if _, ok := errors.AsType[*Unreadable](err); ok {
			s.unreadable++
			continue
		}
		if err != nil {
			return nil, err
		}
		s.calls++
		text, _ := e.param("sdkappid")
		app, _ := strconv.ParseUint(text, 10, 32) // 0 if it is none
		s.named = cmp.Or(s.named, uint32(app))
		resp, ok := parse(e.Response.raw())
		if !ok || !letIn(resp) {
			continue
		}
		if id, ok := e.param("identifier"); ok {
			s.admins[id] = true
		}
		s.app = cmp.Or(s.app, uint32(app))
		apps[uint32(app)] = true
		s.learn(e, resp)
	}
	s.app = cmp.Or(s.app, s.named)
	s.otherApps = max(0, len(apps)-1)
	return s, nil
}

// SDKAppID returns the app of the recording: the first one that let a caller in, or the
// first one that a URL names.
func (rec *Recording) SDKAppID() (uint32, error) {
	s, err := surveyOf(rec)
	if err != nil {
		return 0, err
	}
	if s.app == 0 {
		return 0, errNoApp
	}
	return s.app, nil
}

var errNoApp = errors.New("no call of the recording names an app")

// command returns the last part of the path.
func (e *Exchange) command() string {
	return e.Request.Path[strings.LastIndexByte(e.Request.Path, '/')+1:]
}

// param returns the first value of a parameter of the query.
func (e *Exchange) param(name string) (string, bool) {
	for _, p := range e.Request.Query {
		if p[0] == name {
			return p[1], true
		}
	}
	return "", false
}

// letIn reports whether a response is that of a command. A refusal of the gateway, of the
// signature or of the caller is not.
func letIn(resp value) bool {
	v, ok := resp.member("ErrorCode")
	code, err := strconv.Atoi(v.raw)
	if !ok || err != nil {
		return false
	}
	switch c := wire.Code(code); c {
	case wire.NotAdmin, wire.ProfileNotAdmin, wire.StatusNotAdmin, wire.RobotRefused, wire.AppNotFound: // or may mean it
		return false
	case wire.BodyNotJSON, wire.AccountType:
		return true // refusals of the body
	default:
		return !c.Gateway() && (c < wire.SigExpired || c > wire.SigKicked)
	}
}

// member returns a member of an object.
func (v value) member(name string) (value, bool) {
	i := slices.IndexFunc(v.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return value{}, false
	}
	return v.members[i].value, true
}

// learn notes the state of the accounts that an exchange is the first to name.
func (s *survey) learn(e *Exchange, resp value) {
	for _, list := range []string{"ResultItem", "QueryResult", "ErrorList", "UserProfileItem"} {
		items, _ := resp.member(list)
		for _, item := range items.items {
			if id := idOf(item); id != "" && id != notFound {
				s.note(id, stateIn(list, item))
			}
		}
	}
	failed, _ := resp.member("Fail_Account")
	for _, item := range failed.items {
		s.note(text(item), missing)
	}
	if state, ok := stateAfter(e, codeIn(resp)); ok {
		for id := range idsIn(e.Request.raw()) {
			s.note(id, state)
		}
	}
}

// stateAfter returns the state that a response without items shows, if it shows one.
func stateAfter(e *Exchange, code wire.Code) (accountState, bool) {
	switch command := e.command(); {
	case strings.HasSuffix(command, "account_import"): // and multiaccount_import
		return unknown, true
	case code == wire.NoAccount, code == wire.ProfileNoAccount:
		return missing, true
	case code == wire.OK && (command == "kick" || command == "portrait_set"):
		return existing, true
	}
	return unknown, false
}

func (s *survey) note(id string, state accountState) {
	if _, ok := s.before[id]; !ok && len(s.before) < maxWatched && utf8.ValidString(id) {
		s.before[id] = state
	}
}

func idOf(item value) string {
	for _, field := range []string{"UserID", "To_Account"} {
		if v, ok := item.member(field); ok && v.kind == '"' {
			return text(v)
		}
	}
	return ""
}

// stateIn returns the state that an item of a response shows.
func stateIn(list string, item value) accountState {
	if status, ok := item.member("AccountStatus"); ok {
		switch text(status) {
		case wire.Imported:
			return existing
		case wire.NotImported:
			return missing
		}
		return unknown
	}
	for _, field := range []string{"ErrorCode", "ResultCode"} {
		switch code, _ := item.member(field); code.raw {
		case "70107", "40003":
			return missing
		case "0":
			return existing
		}
	}
	if list == "QueryResult" {
		return existing
	}
	return unknown
}

// idsIn returns the ids in the body of a request.
func idsIn(body []byte) map[string]bool {
	ids := idCollector{}
	rewrite(body, ids)
	return ids
}

// An idCollector is a rewriter that changes nothing.
type idCollector map[string]bool

func (c idCollector) text(field, s string) string {
	if slices.Contains(idFields, field) && s != "" {
		c[s] = true
	}
	return s
}
func (idCollector) name(s string) string      { return s }
func (idCollector) number(_, s string) string { return s }
func (idCollector) bare(s string) string      { return s }

// watched returns the ids of s in order.
func (s *survey) watched() []string { return slices.Sorted(maps.Keys(s.before)) }
