package loadgen

import (
	"fmt"
	"strings"
)

// Placeholders in a form that calls fill in.
const (
	idPlace   = "IIIIIIIIIIIIIIII"
	nickPlace = "NNNNNNNN"
	facePlace = "UUUUUUUU"
)

// A form is the body of a call. Item is repeated for each account of the call,
// separated by commas, between before and after.
type form struct{ before, item, after string }

const values = `"Nick":"` + nickPlace + `","FaceUrl":"` + FaceURLPrefix + facePlace + `"`

var (
	importForm   = form{`{"AccountList":[`, `{"UserID":"` + idPlace + `",` + values + `}`, `]}`}
	oneForm      = form{``, `{"UserID":"` + idPlace + `",` + values + `}`, ``}
	checkForm    = form{`{"CheckItem":[`, `{"UserID":"` + idPlace + `"}`, `]}`}
	deleteForm   = form{`{"DeleteItem":[`, `{"UserID":"` + idPlace + `"}`, `]}`}
	statusForm   = form{`{"To_Account":[`, `"` + idPlace + `"`, `]}`}
	loginForm    = form{``, `{"userid":"` + idPlace + `","platform":"iPad"}`, ``}
	reportForm   = form{`{"reports":[`, `{"userid":"` + idPlace + `","platform":"Android","instance":"bench","vouched_ms":86400000}`, `]}`}
	portraitForm = form{`{"To_Account":[`, `"` + idPlace + `"`, `],"TagList":["Tag_Profile_IM_Nick","Tag_Profile_IM_Image"]}`}
)

// A request is an HTTP request whose bytes are written once. Calls change only
// the ids and values in place.
type request struct {
	bytes  []byte
	items  []byte // the part of bytes from the first item on
	stride int    // distance between items

	id, nick, face int // offsets in an item; nick and face are -1 if it has none
}

// A target is where a request goes. Path includes the query. Token is that of the
// admin API, or "" for a command.
type target struct{ host, path, token string }

// newRequest returns a request to t for n accounts in form f.
func newRequest(t target, f form, n int) *request {
	body := f.before + strings.Repeat(f.item+",", n-1) + f.item + f.after
	authorization := ""
	if t.token != "" {
		authorization = "Authorization: Bearer " + t.token + "\r\n"
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: rollcall-bench\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		t.path, t.host, authorization, len(body))
	b := []byte(head + body)
	return &request{
		bytes: b, items: b[len(head)+len(f.before):], stride: len(f.item) + 1,
		id: strings.Index(f.item, idPlace), nick: strings.Index(f.item, nickPlace), face: strings.Index(f.item, facePlace),
	}
}

// set writes the id of item i.
func (r *request) set(i int, id uint64) {
	at := i*r.stride + r.id
	putHex(r.items[at:at+IDLength], id)
}

// setValues writes Nick and FaceUrl of item i, if the form has them.
func (r *request) setValues(i int, value uint64) {
	if r.nick < 0 {
		return
	}
	item := r.items[i*r.stride:]
	putHex(item[r.nick:r.nick+valueLength], value)
	putHex(item[r.face:r.face+valueLength], value>>32)
}
