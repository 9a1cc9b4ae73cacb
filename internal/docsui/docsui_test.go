package docsui_test

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"rollcall/docs"
	"rollcall/internal/docsui"
	"rollcall/internal/wire"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	docsui.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestHandler(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		contentType  string
		text         string
	}{
		{"GET", "/docs", 200, "text/html; charset=utf-8", "<form id=\"sign\""},
		{"HEAD", "/docs", 200, "text/html; charset=utf-8", ""},
		{"GET", "/docs/page.js", 200, "text/javascript; charset=utf-8", "requestInterceptor"},
		{"GET", "/docs/page.css", 200, "text/css; charset=utf-8", "#sign"},
		{"GET", "/docs/errors", 200, "text/html; charset=utf-8", "<tr id=\"70001\">"},
		{"GET", "/docs/swagger-ui.css", 200, "text/css; charset=utf-8", ".swagger-ui"},
		{"GET", "/docs/swagger-ui-bundle.js", 200, "text/javascript; charset=utf-8", "SwaggerUIBundle"},
		{"GET", "/docs/favicon-32x32.png", 200, "image/png", "PNG"},
		{"GET", "/openapi/wire.json", 200, "application/json", string(docs.Wire)},
		{"GET", "/openapi/admin.json", 200, "application/json", string(docs.Admin)},
		{"GET", "/docs/", 404, "text/plain; charset=utf-8", "/docs"},
		{"GET", "/docs/oauth2-redirect.html", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/docs/../openapi", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/openapi/", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/docs", 405, "text/plain; charset=utf-8", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			w := get(t, tt.method, tt.path)
			got := w.Header().Get("Content-Type")
			if w.Code != tt.status || !sameType(got, tt.contentType) || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("%d %s, %d bytes; want %d %s with %.40q", w.Code, got, w.Body.Len(), tt.status, tt.contentType, tt.text)
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") {
				t.Errorf("policy %q", policy)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// sameType compares content types. What a file of Swagger UI is called depends on
// the machine's table of types.
func sameType(got, want string) bool {
	for _, kind := range []string{"javascript", "css"} {
		if strings.Contains(want, kind) {
			return strings.Contains(got, kind)
		}
	}
	return got == want
}

// Nothing of a page comes from elsewhere, and no script stands in it.
func TestPagesAskNobody(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(src|href|action)\s*=\s*["']?(https?:)?//|<script>|<script [^s]| on[a-z]+=|<style`)
	for _, path := range []string{"/docs", "/docs/errors"} {
		if found := outside.FindString(get(t, "GET", path).Body.String()); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
}

// Every error that is answered can be looked up under the address that the
// answer or the code suggests.
func TestErrorsHaveAnchors(t *testing.T) {
	page := get(t, "GET", "/docs/errors").Body.String()
	for _, row := range wire.Table {
		if want := "<tr id=\"" + fmt.Sprint(int(row.Code)) + "\">"; !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, want := range []string{`<tr id="unauthorized">`, "<th>remedy</th>", "<th>retry</th>", `<tr id="slow">`, "</table>", "&#34;HTTP parse Error&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "|") || strings.Contains(page, "`") {
		t.Error("Markdown is left over")
	}
}
