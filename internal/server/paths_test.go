package server

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// oddPaths maps request lines to texts in the responses at an address for admins. The
// prefix "admins " marks a path that is only for admins.
var oddPaths = map[string]string{
	"GET /":                                 "Rollcall test",
	"GET /?x=1":                             "Rollcall test",
	"POST /":                                "Rollcall test",
	"GET //":                                "nothing here; the account",
	"GET /.":                                "nothing here; the account",
	"GET /x/..":                             "nothing here; the account",
	"GET /healthz":                          "ok",
	"GET /healthz/":                         "nothing here; the account",
	"GET /link":                             "WebSocket protocol violation",
	"GET /link/":                            "nothing here; the account",
	"GET /nope":                             "nothing here; the account",
	"CONNECT 127.0.0.1:80":                  "nothing here; the account",
	"OPTIONS *":                             "nothing here; the account",
	"GET /metrics":                          "admins # HELP",
	"CONNECT /metrics":                      "admins # HELP",
	"GET /%6detrics":                        "admins # HELP",
	"GET //metrics":                         "nothing here; the account",
	"GET /metrics/":                         "nothing here; the account",
	"GET /x/../metrics":                     "nothing here; the account",
	"GET /docs":                             `admins <a href="/console/try"`,
	"GET /docs/errors":                      "admins <!DOCTYPE",
	"GET /docs%2Ferrors":                    "admins <!DOCTYPE",
	"GET /docs/":                            "admins nothing here; the errors",
	"GET /docs//errors":                     "admins nothing here; the errors",
	"GET /docs/../metrics":                  "admins nothing here; the errors",
	"POST /docs":                            "admins use GET",
	"GET /openapi":                          "nothing here; the account",
	"GET /openapi/":                         "admins nothing here; the errors",
	"GET /admin":                            "nothing here; the account",
	"GET /administrator":                    "nothing here; the account",
	"GET /x/../admin/v1":                    "nothing here; the account",
	"GET /admin/":                           "admins /docs/errors#not-found",
	"GET /admin/v1":                         `admins {"version"`,
	"GET /admin/v1/":                        "admins /docs/errors#not-found",
	"GET /admin//v1":                        "admins /docs/errors#not-found",
	"GET /admin%2Fv1":                       "admins /docs/errors#not-found",
	"GET /admin/../admin/v1":                "admins /docs/errors#not-found",
	"GET /admin/v1/%61pps":                  `admins {"apps"`,
	"DELETE /admin/v1/apps":                 "admins 405 GET,POST",
	"CONNECT /admin/v1/apps":                "admins 405 GET,POST",
	"GET /admin/v1/apps/":                   "admins /docs/errors#not-found",
	"PUT /admin/v1/apps/1":                  "admins 405 GET,PATCH,DELETE",
	"GET /admin/v1/apps/x":                  "admins the SDKAppID is a number",
	"GET /admin/v1/apps/1//keys":            "admins nothing is under this path",
	"GET /admin/v1/apps/1/accounts/":        "admins nothing is under this path",
	"GET /admin/v1/apps/1/accounts//":       "admins nothing is under this path",
	"GET /admin/v1/apps/1/accounts/..":      "admins no app has that",
	"GET /admin/v1/apps/1/accounts/a%2Fb":   "admins no app has that",
	"GET /admin/v1/apps/1/accounts/%2F":     "admins no app has that",
	"GET /admin/v1/apps/%2F/keys":           "admins 405 POST",
	"GET /admin/v1/apps/1/accounts/a/b":     "admins nothing is under this path",
	"GET /admin/v1/apps/1/accounts%3Acount": "admins no app has that",
	"GET /v4":                               `"ErrorCode":60009`,
	"GET /v4//":                             `"ErrorCode":60009`,
	"GET /v4/../metrics":                    `"ErrorCode":60009`,
	"GET /v4/../admin/v1":                   `"ErrorCode":60009`,
	"GET ///v4/openim//querystate":          `"ErrorCode":60009`,
	"GET /v4%2Fx":                           `"ErrorCode":60009`,
	"GET /%76%34/x":                         `"ErrorCode":60009`,
	"CONNECT /v4/x":                         `"ErrorCode":60009`,
	"GET /x/../v4/openim/querystate":        "nothing here; the account",
}

// TestPathsAsTheyAre sends odd paths and methods. None is redirected. A path for admins is
// only for them in every spelling: a public address responds as to an unknown path, and a
// developer's server refuses the path if a proxy has forwarded the request.
func TestPathsAsTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	two := config.Config{AdminListen: "127.0.0.1:0", AdminTokenFile: file}
	for name, test := range map[string]struct {
		c               config.Config
		address         int
		admins, proxies bool
	}{
		"developer": {config.Config{}, 0, true, false},
		"public":    {two, 0, false, false},
		"admins":    {two, 1, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			running(t, test.c, func(s *Server) {
				addr := s.listeners[test.address].Addr().String()
				token, err := os.ReadFile(file)
				if c := s.Context(); c != nil && c.AdminToken != "" {
					token, err = []byte(c.AdminToken), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				testutil.Secret(t, strings.TrimSpace(string(token)))
				for line, want := range oddPaths {
					direct, passed := want, want
					if rest, ok := strings.CutPrefix(want, "admins "); ok {
						direct, passed = rest, rest
						if !test.admins {
							direct = "nothing here; the account"
						}
						if !test.proxies {
							passed = "a proxy has passed"
						}
					}
					for header, want := range map[string]string{"": direct, "Via: x\r\n": passed} {
						got := ask(t, addr, line, header+"Authorization: Bearer "+string(token))
						if !strings.Contains(got, want) {
							t.Errorf("%s %s: %s, want %s", line, header, got, want)
						}
					}
				}
				if got := ask(t, addr, "HEAD /admin/v1", "Authorization: Bearer "+string(token)); test.admins && got != "405 GET" {
					t.Errorf("HEAD: %s, want that it is no method", got)
				}
			})
		})
	}
}

// ask sends one request, to localhost unless host has another name, and returns the body of the response. It returns the status if
// there is no body, and the status and the field Allow if that is set.
func ask(t *testing.T, addr, line, header string, host ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n", line, append(host, "localhost")[0], strings.TrimSpace(header)); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		t.Fatal(err)
	}
	if allow := resp.Header["Allow"]; strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem") && allow != nil {
		return fmt.Sprint(resp.StatusCode, " ", strings.Join(allow, ","))
	}
	return cmp.Or(string(body), fmt.Sprint(resp.StatusCode))
}
