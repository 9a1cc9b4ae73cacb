package api

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/httpx"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
)

// TestMalformedSaysWhatWasWrong sends requests that net/http refuses, over a
// connection like that of a server. Net/http must produce each reason in the
// table, and each of [malformations] must occur.
func TestMalformedSaysWhatWasWrong(t *testing.T) {
	unseen := maps.Clone(malformations)
	for name, test := range map[string]struct {
		request, want string
		tls           bool
	}{
		"space in the URL":  {request: "POST /a b HTTP/1.1\r\nHost: x\r\n\r\n", want: "a space is %20"},
		"escape":            {request: "POST /%zz HTTP/1.1\r\nHost: x\r\n\r\n", want: "a broken percent escape in the URL"},
		"length":            {request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", want: "a Content-Length that is not a number"},
		"no colon":          {request: "POST / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", want: "a header field without a colon"},
		"control character": {request: "POST / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", want: "with a control character"},
		"no host":           {request: "POST / HTTP/1.1\r\n\r\n", want: "Host header is missing"},
		"bad host":          {request: "POST / HTTP/1.1\r\nHost: a b\r\n\r\n", want: "not a host name"},
		"header name":       {request: "POST / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", want: "name of a header field"},
		"plain on TLS":      {request: "POST / HTTP/1.1\r\nHost: x\r\n\r\n", want: "https://", tls: true},
		"large header":      {request: "POST / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 72<<10) + "\r\n\r\n", want: "64 KiB"},
		"expect":            {request: "POST / HTTP/1.1\r\nHost: x\r\nExpect: rain\r\n\r\n", want: "100-continue"},
		"transfer encoding": {request: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", want: "chunked"},
		"unknown version":   {request: "POST / HTTP/3.0\r\nHost: x\r\n\r\n", want: "HTTP/2"},
	} {
		advice, reason := sendMalformed(t, test.request, test.tls)
		if !strings.Contains(advice, test.want) || strings.HasSuffix(advice, wire.Lookup(wire.HTTPParse).Advice) == test.tls { // the remedy does not help on a TLS port
			t.Errorf("%s: Rollcall-Advice = %q, want %q and the remedy", name, advice, test.want)
		}
		maps.DeleteFunc(unseen, func(part, _ string) bool { return strings.Contains(reason, part) })
	}
	if len(unseen) > 0 {
		t.Errorf("net/http never says %q", slices.Sorted(maps.Keys(unseen)))
	}
}

// sendMalformed sends a request to a listener like that of a server. It returns
// the advice and the reason of net/http.
func sendMalformed(t *testing.T, request string, tls bool) (advice, reason string) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(chan string, 1)
	o := httpx.ListenerOptions{Logger: testutil.Logger(t), FaultResponse: func(f httpx.Fault) (http.Header, []byte) {
		reasons <- f.Reason
		return Malformed(f)
	}}
	if tls {
		secure := httptest.NewTLSServer(nil)
		o.TLS = secure.TLS.Clone()
		secure.Close()
	}
	srv := &http.Server{Handler: http.NotFoundHandler(), MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	go func() { done <- httpx.NewListener(inner, o).Serve(srv) }()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	<-done
	return resp.Header.Get("Rollcall-Advice"), <-reasons
}
