package client_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"rollcall/client"
)

// TestEarlyResponse checks that a call ends if the server responds while a Read of the body
// waits, over both versions of HTTP.
func TestEarlyResponse(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = bufio.NewReader(r.Body).ReadString('\n')
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"key":"k","state":"open","row":1}`)
		}))
		srv.EnableHTTP2 = http2
		srv.StartTLS()
		c, err := client.NewAdmin(client.AdminOptions{BaseURL: srv.URL, Token: "rct_token", HTTPClient: srv.Client()})
		if err != nil {
			t.Fatal(err)
		}
		body, in := io.Pipe()
		go func() { _, _ = io.WriteString(in, "{}\n") }() // and nothing more
		if i, err := c.ImportStream(t.Context(), 1, "k", 1, body); http2 && (err != nil || i.Row != 1) {
			t.Errorf("HTTP/2: %+v, %v", i, err)
		} else if !http2 && err == nil && i.Row != 1 {
			t.Errorf("HTTP/1.1: %+v", i)
		}
		if _, err := in.Write([]byte("x")); err == nil {
			t.Error("the body is still open")
		}
		srv.Close()
	}
}
