package reference_test

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"rollcall/docs"
	"rollcall/internal/reference"
	"rollcall/internal/wire"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	reference.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestHandler(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		contentType  string
		text         string
	}{
		{"GET", "/docs", 308, "text/html; charset=utf-8", "/console/try"},
		{"HEAD", "/docs", 308, "text/html; charset=utf-8", ""},
		{"GET", "/docs/errors", 200, "text/html; charset=utf-8", "<tr id=\"70001\">"},
		{"GET", "/openapi/wire.json", 200, "application/json", string(docs.Wire)},
		{"GET", "/openapi/admin.json", 200, "application/json", string(docs.Admin)},
		{"GET", "/docs/", 404, "text/plain; charset=utf-8", "/console"},
		{"GET", "/docs/page.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/docs/../openapi", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/openapi/", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/docs", 405, "text/plain; charset=utf-8", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			w := get(t, tt.method, tt.path)
			got := w.Header().Get("Content-Type")
			if w.Code != tt.status || got != tt.contentType || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("%d %s, %d bytes; want %d %s with %.40q", w.Code, got, w.Body.Len(), tt.status, tt.contentType, tt.text)
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") {
				t.Errorf("policy %q", policy)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// TestLanguage checks that the list of errors is in the language of the console.
func TestLanguage(t *testing.T) {
	for _, tt := range []struct{ cookie, accept, want string }{
		{"", "", `<html lang="en">`}, {"", "zh-CN,zh;q=0.9", "重试该调用。"}, {"en", "zh-CN", "Repeat the call."}, {"zh", "en", `<html lang="zh">`}, {"xx", "fr", "Repeat the call."},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/docs/errors", nil)
		r.Header.Set("Accept-Language", tt.accept)
		r.Header.Set("Cookie", "rollcall_lang="+tt.cookie)
		w := httptest.NewRecorder()
		reference.Handler().ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), tt.want) || !strings.Contains(w.Body.String(), `<tr id="70169">`) {
			t.Errorf("cookie %q, Accept-Language %q: %d, want %q", tt.cookie, tt.accept, w.Code, tt.want)
		}
	}
}

// Nothing of a page comes from elsewhere, and no script stands in it.
func TestPagesAskNobody(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(src|href|action)\s*=\s*["']?(https?:)?//|<script>|<script [^s]| on[a-z]+=|<style`)
	for _, path := range []string{"/docs/errors"} {
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
	for _, want := range []string{`<tr id="unauthorized">`, "<th>remedy</th>", "<th>retry</th>", `<tr id="slow">`, "</table></div>", "&#34;HTTP parse Error&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "|") || strings.Contains(page, "`") {
		t.Error("Markdown is left over")
	}
}
