package api

import (
	"net/http"
	"strings"

	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// Malformed returns the response to a request that is not valid HTTP, and its
// header fields.
func Malformed(f httpx.Fault) (http.Header, []byte) {
	body, err := wire.Encode(wire.CodeFirst.Fail(wire.HTTPParse, wire.Info(wire.HTTPParse, "")))
	if err != nil {
		panic(err) // three plain fields can always be encoded
	}
	h := http.Header{}
	if strings.Contains(f.Reason, httpx.PlainOnTLS) { // the request itself needs no correction
		h.Set("Rollcall-Advice", "This port takes HTTPS, and the request came without TLS. Call it with https://.")
		return h, body
	}
	advise(h, wire.HTTPParse, malformation(f))
	return h, body
}

// malformation says what was wrong with a request, as far as net/http reports
// it. Net/http gives no reason for most bad requests.
func malformation(f httpx.Fault) string {
	switch f.Status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return "the request line and the header fields are larger than 64 KiB; send the data in the body"
	case http.StatusExpectationFailed:
		return "the Expect header asks for something else than 100-continue; leave it out"
	case http.StatusNotImplemented:
		return "the Transfer-Encoding is not chunked; send the body chunked or with a Content-Length"
	case http.StatusHTTPVersionNotSupported:
		return "the version of HTTP is unknown; use HTTP/1.1 or HTTP/2"
	}
	for part, text := range malformations {
		if strings.Contains(f.Reason, part) {
			return text
		}
	}
	return "the request line or a header field is not valid HTTP; look for a space or a broken percent escape in the URL, where a space is %20, " +
		"a Content-Length that is not a number, and a header field without a colon or with a control character"
}

// malformations maps a part of the reason of net/http to the detail of the
// response.
var malformations = map[string]string{
	"missing required Host header": "the Host header is missing; HTTP/1.1 requires one",
	"malformed Host header":        "the Host header is not a host name; send the name or address of this server",
	"invalid header name":          "the name of a header field has a character that it may not have; correct it",
}
