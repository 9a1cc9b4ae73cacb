package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/config"
	"rollcall/internal/openapi"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/wire"
)

// TestWireExamples sends every example of the OpenAPI document of the vendor's protocol
// and compares the whole response.
func TestWireExamples(t *testing.T) {
	srv, _ := runServer(t, anystore.Mem, config.Config{}, account.App{ID: defaultApp})
	k := newKeys(t)
	query := strings.TrimPrefix(expand(t, k, target("account_check", "")), wire.CommandNamed("account_check").Path()+"?")
	for _, path := range openapi.Wire(nil).Paths {
		op, _ := path.Value.Get("post")
		request, _ := op.RequestBody.Content.Get("application/json")
		response, _ := op.Responses.Get("200")
		media, _ := response.Content.Get("application/json")
		if len(request.Examples) == 0 {
			t.Errorf("%s has no example", path.Name)
		}
		for _, e := range request.Examples {
			want, _ := media.Examples.Get(e.Name)
			status, got := send(t, "POST", srv.URL+path.Name+"?"+query, "", string(e.Value.Value))
			if got = firstDay(got); got != string(want.Value) || status != http.StatusOK {
				t.Errorf("%s, %s: %d\n got %s\nwant %s", path.Name, e.Name, status, got, want.Value)
			}
		}
	}
}

var daysOfResult = regexp.MustCompile(`"Result":\[(\{[^{}]*"Date":)"[0-9]{8}"([^{}]*\})(?:,\{[^{}]*\}){29}\]`)

// firstDay leaves only the first one of the 30 days of a response, as the examples do, with the
// date of the vendor's sample.
func firstDay(response string) string {
	return daysOfResult.ReplaceAllString(response, `"Result":[$1"20160607"$2]`)
}

// TestAdminExamples sends every example of the OpenAPI document of the admin API and
// compares status and shape of the response.
func TestAdminExamples(t *testing.T) {
	dir := t.TempDir()
	files := t.TempDir()
	if err := os.WriteFile(filepath.Join(files, "accounts.csv"), []byte("userid\nalice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	kind := anystore.Kind(t, anystore.Pebble)
	c := config.Config{Data: dir, ImportDir: files}
	if kind == anystore.Pebble {
		c.BackupTo = filepath.Join(dir, "repository")
	}
	srv, _ := runServer(t, kind, c, account.App{ID: 1400000001})
	base, token := srv.URL, srv.AdminToken
	if kind == anystore.Pebble { // for the example that lists backups
		if status, response := send(t, "POST", base+"/admin/v1/backup", token, `{}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, response)
		}
	}
	const spare = `{"sdkappid":1400000003}` // for the example that deletes an app
	if status, response := send(t, "POST", base+"/admin/v1/apps", token, spare); status != http.StatusCreated {
		t.Fatalf("%d %s", status, response)
	}
	if status, response := send(t, "POST", base+"/v4/im_open_login_svc/account_imports", "", `{}`); status != http.StatusOK { // for the examples of calls
		t.Fatalf("%d %s", status, response)
	}
	s := &story{t: t, disk: kind == anystore.Pebble, shared: kind != anystore.Pebble && kind != anystore.Mem, real: map[string]string{"/var/backups/rollcall-monday": filepath.Join(dir, "backup")}}
	routes := admin.Routes()
	for _, e := range openapi.AdminExamples() {
		i := slices.IndexFunc(routes, func(r admin.Route) bool { return r.ID == e.ID })
		target := base + s.fill(routes[i].Path, e.Path)
		if len(e.Query) > 0 {
			q := url.Values{}
			for name, value := range e.Query {
				q.Set(name, s.known(value))
			}
			target += "?" + q.Encode()
		}
		body := e.Body
		for sample, actual := range s.real {
			body = strings.ReplaceAll(body, `"`+sample+`"`, fmt.Sprintf("%q", actual))
		}
		if s.device != "" {
			body = strings.ReplaceAll(body, openapi.ExampleDevice, s.device)
		}
		if e.ID == "changeImport" {
			stop := openStream(t, base, token)
			defer stop()
		}
		req := testutil.NewRequest(t, routes[i].Method, target, token, body)
		for _, h := range routes[i].Headers {
			if value := e.Path[h.Name]; value != "" {
				req.Header.Set(h.Name, value)
			}
		}
		resp, response := testutil.Do(t, http.DefaultClient, req)
		status := resp.StatusCode
		if (e.ID == "backup" || e.ID == "listBackups") && kind != anystore.Pebble {
			if status != http.StatusUnprocessableEntity || !strings.Contains(response, `"code":"unsupported"`) {
				t.Errorf("%s: %d %s, want a refusal", e.ID, status, response)
			}
			continue
		}
		if e.ID == "verifyBackup" && kind != anystore.Pebble {
			if status != http.StatusOK || !strings.Contains(response, `"sound":false,"fault":`) {
				t.Errorf("%s: %d %s, want a fault, because there is no backup", e.ID, status, response)
			}
			continue
		}
		if status != routes[i].Status {
			t.Errorf("%s: %d %s, want %d", e.ID, status, response, routes[i].Status)
			continue
		}
		s.compare(e.ID, e.Answer, response)
		if e.ID == "loginDevice" {
			_, rest, _ := strings.Cut(response, `"device":{"id":`)
			s.device, _, _ = strings.Cut(rest, ",")
		}
	}
}

// openStream begins the import that examples change, and returns a function that ends it.
func openStream(t *testing.T, base, token string) (stop func()) {
	t.Helper()
	admin, err := client.NewAdmin(client.AdminOptions{BaseURL: base, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	body, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = admin.ImportStream(context.WithoutCancel(t.Context()), 1400000002, "tuesday", 1, body) // canceled by an example
	}()
	if _, err := io.WriteString(w, "\n"); err != nil { // the server reads, so the import exists
		t.Fatal(err)
	}
	for _, err := admin.Import(t.Context(), 1400000002, "tuesday"); err != nil; _, err = admin.Import(t.Context(), 1400000002, "tuesday") {
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Slug != client.SlugNotFound {
			t.Fatal(err)
		}
	}
	return func() {
		_ = w.Close()
		<-ended
	}
}

// send sends a request and returns the response.
func send(t *testing.T, method, target, token, body string) (status int, response string) {
	t.Helper()
	resp, response := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, method, target, token, body))
	return resp.StatusCode, response
}

// A story is a sequence of examples. Later examples refer to objects that earlier ones
// created. The story maps the sample values of these objects to the real ones.
type story struct {
	t      *testing.T
	disk   bool // the store is on a disk of the server, which makes backups
	shared bool // jobs name their server
	real   map[string]string
	device string // ID of the device that has logged in
}

func (s *story) known(sample string) string {
	if actual, ok := s.real[sample]; ok {
		return actual
	}
	return sample
}

// fill replaces the parameters in a path.
func (s *story) fill(path string, params map[string]string) string {
	for name, value := range params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(s.known(value)))
	}
	return path
}

// compare checks that got has the shape of want: the same members with values of the same
// JSON types.
func (s *story) compare(id, want, got string) {
	s.t.Helper()
	if want == "" || got == "" {
		if want != got {
			s.t.Errorf("%s returns %q, want %q", id, got, want)
		}
		return
	}
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		s.t.Fatalf("%s: %v in the example", id, err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		s.t.Fatalf("%s: %v in %s", id, err, got)
	}
	wants, gets := s.shape(w, nil), s.shape(g, nil)
	if s.shared && (id == "createImport" || id == "uploadImport") {
		wants["node"] = "string"
	}
	if id == "readStatus" && !s.disk {
		wants["no_backup"] = "string"
		delete(wants, "repository")
		maps.DeleteFunc(wants, func(field, _ string) bool { return strings.HasPrefix(field, "disk") })
	}
	const speed = "rows_per_second" // only an import that has taken a while has one
	delete(wants, speed)
	delete(gets, speed)
	if diff := cmp.Diff(wants, gets); diff != "" {
		s.t.Errorf("%s: shapes (-example +response):\n%s", id, diff)
	}
	s.learn(w, g)
}

// shape returns the types of values by path. All elements of an array have the same path,
// because their number can differ.
func (s *story) shape(v any, at []string) map[string]string {
	shapes := map[string]string{}
	switch v := v.(type) {
	case map[string]any:
		shapes[strings.Join(at, ".")] = "object"
		for name, member := range v {
			maps.Copy(shapes, s.shape(member, append(slices.Clone(at), name)))
		}
	case []any:
		shapes[strings.Join(at, ".")] = "array"
		for _, element := range v {
			maps.Copy(shapes, s.shape(element, append(slices.Clone(at), "*")))
		}
	default:
		shapes[strings.Join(at, ".")] = fmt.Sprintf("%T", v)
	}
	return shapes
}

// learn records the real ids of the objects in an example.
func (s *story) learn(want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for name, member := range w {
			if text, ok := member.(string); ok && (name == "id" || name == "request_id") {
				s.real[text], _ = g[name].(string)
			}
			s.learn(member, g[name])
		}
	case []any:
		if g, _ := got.([]any); len(g) == len(w) {
			for i := range w {
				s.learn(w[i], g[i])
			}
		}
	}
}
