package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/directory"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/usersig"
)

// An open server is a server for others, with everything that it prints.
type openServer struct {
	*exec.Cmd
	out testutil.Buffer // standard output and standard error
}

// startOpen starts a server for others on the settings of site, and waits until it is ready.
func (site *publicSite) startOpen(args ...string) *openServer {
	site.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		site.t.Fatal(err)
	}
	s := &openServer{Cmd: exec.Command(exe, append([]string{"serve", "--config", site.file("rollcall.yml"), "--listen", "127.0.0.1:0", "--data", site.file("data")}, args...)...)}
	s.Env = servedBy(site.t, site.file("data"))
	s.Stdout, s.Stderr = &s.out, &s.out
	if err := s.Start(); err != nil {
		site.t.Fatal(err)
	}
	site.t.Cleanup(func() {
		_ = s.Process.Kill() // an error says that it has ended
		_ = s.Wait()
	})
	eventually(site.t, "ready server", func() bool { return strings.Contains(s.out.String(), "msg=ready") })
	return s
}

// stop ends s and returns everything that it has printed.
func (s *openServer) stop(t *testing.T) string {
	t.Helper()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, &s.out)
	}
	return s.out.String()
}

var listeningAt = regexp.MustCompile(`msg=listening addr=(\S+) tls=(true|false)`)

// urls returns the addresses of the account API and of the admin API.
func (s *openServer) urls(t *testing.T) (api, admin string) {
	t.Helper()
	all := listeningAt.FindAllStringSubmatch(s.out.String(), -1)
	if len(all) != 2 || all[0][2] != "true" || all[1][2] != "false" {
		t.Fatalf("addresses: %q", all)
	}
	return "https://" + all[0][1], "http://" + all[1][1]
}

// clearTexts returns the files below dir that contain a secret, in the clear or in base64.
func clearTexts(t *testing.T, dir string, secrets ...string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString([]byte(secret)))) {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestPublicServer makes calls of all kinds to a server for others that logs everything. It
// has no demo app, prints no secret and no UserSig, and its data directory contains no key of
// an app and no token in the clear.
func TestPublicServer(t *testing.T) {
	site := newPublicSite(t)
	site.level("debug")
	s := site.startOpen()
	api, admin := s.urls(t)
	b, err := os.ReadFile(site.file("admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(b))
	created := directory.NewSecret()
	body := `{"sdkappid":1400000052,"secret":"` + created + `"}`
	resp, text := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodPost, admin+"/admin/v1/apps", token, body))
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("a new app: %s %s", resp.Status, text)
	}
	resp, apps := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodGet, admin+"/admin/v1/apps", token, ""))
	if resp.StatusCode != http.StatusOK || strings.Contains(apps, "1400000001") || !strings.Contains(apps, publicApp) {
		t.Errorf("apps: %s %s", resp.Status, apps)
	}
	sigs := site.callAll(api, created)
	out := s.stop(t)
	secrets := append(sigs, site.key, created, token)
	if i := slices.IndexFunc(secrets, func(secret string) bool { return strings.Contains(out, secret) }); i >= 0 || likeSecret.MatchString(out) {
		t.Errorf("the server prints secret %d", i)
	}
	if !strings.Contains(out, "level=DEBUG") || strings.Count(out, "msg=request") < 6 {
		t.Errorf("the log does not have all calls:\n%s", out)
	}
	if files := clearTexts(t, site.file("data"), secrets...); len(files) > 0 {
		t.Errorf("secrets in the clear in %q", files)
	}
}

// callAll makes calls of all kinds with UserSigs of both apps, and returns the UserSigs.
func (site *publicSite) callAll(api, second string) (sigs []string) {
	client := insecure(site.t)
	for app, key := range map[uint32]string{1400000051: site.key, 1400000052: second} {
		sig, err := usersig.Sign(usersig.HMACKey(key), usersig.Claims{SDKAppID: app, Identifier: "administrator", Validity: time.Hour})
		if err != nil {
			site.t.Fatal(err)
		}
		sigs = append(sigs, sig, url.QueryEscape(sig))
		q := fmt.Sprintf("?sdkappid=%d&identifier=administrator&usersig=%s&random=1&contenttype=json", app, url.QueryEscape(sig))
		for _, path := range []string{
			"/v4/im_open_login_svc/account_import" + q,
			"/v4/im_open_login_svc/account_import" + strings.Replace(q, "administrator", "alice", 1),
			"/v4/im_open_login_svc/account_imprt" + q,
			"/v4/im_open_login_svc/account_import" + q + "%zz",
			"/elsewhere" + q,
			"/admin/v1/apps" + q,
		} {
			req := testutil.NewRequest(site.t, http.MethodPost, api+"/", "", `{"UserID":"alice"}`)
			req.URL = &url.URL{Scheme: "https", Host: strings.TrimPrefix(api, "https://"), Opaque: path}
			req.Header.Set("Rollcall-Explain", "1")
			req.Header.Set("Referer", api+path)
			testutil.Do(site.t, client, req)
		}
	}
	return sigs
}

// TestPublicServerWithoutApp starts a server for others without an app. It creates none,
// prints nothing for clients, and writes no file for them.
func TestPublicServerWithoutApp(t *testing.T) {
	site := newPublicSite(t)
	site.noApp = true
	site.level("info")
	s := site.startOpen()
	_, admin := s.urls(t)
	b, err := os.ReadFile(site.file("admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	resp, apps := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodGet, admin+"/admin/v1/apps", strings.TrimSpace(string(b)), ""))
	if resp.StatusCode != http.StatusOK || strings.Contains(apps, "sdkappid") {
		t.Errorf("apps: %s %s", resp.Status, apps)
	}
	out := s.stop(t)
	if !strings.Contains(out, "there is no app yet") || strings.Contains(out, "usersig") || strings.Contains(out, "is ready on") {
		t.Errorf("the server prints\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(site.file("data"), server.ContextFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a context file: %v", err)
	}
}

// TestDeveloperGoesPublic starts a server for others on the data of a developer's server. Its
// files and its token are gone, and the log warns of its demo app.
func TestDeveloperGoesPublic(t *testing.T) {
	anystore.NeedEmbedded(t)
	site := newPublicSite(t)
	dir := site.file("data")
	p := startProcess(t, dir)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if files := clearTexts(t, dir, p.context.Key, p.context.AdminToken); !slices.Equal(files, []string{filepath.Join(dir, server.ContextFile), filepath.Join(dir, server.ContextFile)}) {
		t.Errorf("the secrets of a developer's server are in %q", files)
	}
	s := site.startOpen("--seal-keys", filepath.Join(dir, "seal.keys"))
	_, admin := s.urls(t)
	resp, _ := testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodGet, admin+"/admin/v1/apps", p.context.AdminToken, ""))
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token of the developer's server: %s", resp.Status)
	}
	out := s.stop(t)
	if files := clearTexts(t, dir, p.context.Key, p.context.AdminToken, site.key); len(files) > 0 {
		t.Errorf("secrets in the clear in %q", files)
	}
	if !strings.Contains(out, "serves the demo app of a developer's server") || !strings.Contains(out, "app=1400000001") {
		t.Errorf("no warning of the demo app:\n%s", out)
	}
}
