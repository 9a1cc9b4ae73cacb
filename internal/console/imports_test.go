package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/rollcalltest"
)

// newKeeper is newVisitor of a server with directories for uploads and for imports.
func newKeeper(t *testing.T) (v *visitor, dir string) {
	t.Helper()
	dir = t.TempDir()
	c, err := config.New(config.Config{Store: "mem:", Listen: "127.0.0.1:0", Data: dir, ImportDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	app := &account.App{ID: 1400000001, Name: t.Name(), Edition: account.Standard, Test: true, Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: strings.Repeat("k", 64)}}}
	srv, err := server.Open(t.Context(), server.Options{Config: c, App: app, Version: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s := &rollcalltest.Server{URL: srv.Context().URL, SDKAppID: uint32(app.ID), AdminToken: srv.Context().AdminToken}
	pool := new(http.Transport)
	t.Cleanup(pool.CloseIdleConnections)
	if s.AdminClient, err = client.NewAdmin(client.AdminOptions{BaseURL: s.URL, Token: s.AdminToken, HTTPClient: &http.Client{Transport: pool}}); err != nil {
		t.Fatal(err)
	}
	v = stranger(t, s)
	v.login(s.AdminToken)
	return v, dir
}

// sendFile sends a form with a file, and fields before it.
func (v *visitor) sendFile(address, name, content string, fields ...string) *reply {
	v.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			v.Fatal(err)
		}
	}
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			v.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			v.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		v.Fatal(err)
	}
	r := v.request(http.MethodPost, address, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r)
}

// ended waits until an import has ended.
func (v *visitor) ended(key string) *client.Import {
	v.Helper()
	for {
		i, err := v.srv.AdminClient.Import(v.Context(), v.srv.SDKAppID, key)
		if err != nil {
			v.Fatal(err)
		}
		if i.Ended() {
			return i
		}
	}
}

func TestUpload(t *testing.T) {
	v, _ := newKeeper(t)
	v.get("./imports").ok().has(`enctype="multipart/form-data"`, "The app has no imports", `type="file"`)
	p := v.sendFile("./imports", "a<b>.csv", "name;label\nalice;Alice\n@bad;x\n=bad;\x01\nbob;Bob\n",
		"_form", "upload", "text:key", "monday", "query:map", "name=userid,label=nick", "query:format", "", "query:delimiter", ";").done()
	if to := p.header.Get("Location"); !strings.HasSuffix(to, "/import?key=monday") {
		t.Fatalf("it leads to %s", to)
	}
	if i := v.ended("monday"); i.State != client.ImportDone || i.Imported != 3 && i.Imported != 2 || i.Created == 0 {
		t.Fatalf("import %+v", i)
	}
	if a := v.account("alice"); a == nil || a.Nick != "Alice" {
		t.Errorf("account %+v", a)
	}
	if e := v.audited("import.start"); e.TokenID == "" {
		t.Errorf("audit %+v", e)
	}
	v.get("./imports").ok().has("monday", "Done", "a&lt;b&gt;.csv").lacks("a<b>")
	v.get("./import?key=monday").ok().has("@bad", "are reserved", `value="100"`, "import/rejected?key=monday").lacks(`<form id="pause"`, `<form id="cancel"`)
	v.get("./import/progress?key=monday").ok().has(`data-state="done"`).lacks("<html", "<h1")

	rows := table(t, v.get("./import/rejected?key=monday").ok().body)
	if len(rows) < 2 || rows[1]["row"] != "2" || rows[1]["line"] != "3" || rows[1]["userid"] != "'@bad" || rows[1]["code"] != "70402" || rows[1]["reason"] == "" {
		t.Errorf("rows %v", rows)
	}
	v.get("./import?key=other").is(http.StatusNotFound)
	v.get("./import/rejected?key=other").is(http.StatusNotFound)
	v.sendFile("./imports", "other.csv", "userid\nx\n", "_form", "upload", "text:key", "monday").is(http.StatusConflict).has("choose another key", `value="monday"`)
}

func TestUploadRefused(t *testing.T) {
	v, _ := newKeeper(t)
	v.sendFile("./imports", "", "", "text:key", "k").is(http.StatusBadRequest).has("Choose a file.")
	v.sendFile("./imports", "a.csv", "x", "text:key", "../k").is(http.StatusBadRequest)
	v.sendFile("./imports", "a.csv", "x", "text:key", "k", "query:format", "exe").is(http.StatusBadRequest).has("query:format")
	v.sendFile("./imports", "a.csv", "x", "text:key", "k", "query:other", "x").is(http.StatusBadRequest)
	v.sendFile("./imports", "a.csv", "x", "text:key", strings.Repeat("k", 5000)).is(http.StatusBadRequest).has("4 KiB")
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprint("query:x", i), "")
	}
	v.sendFile("./imports", "a.csv", "x", many...).is(http.StatusBadRequest).has("did not arrive whole")
	r := v.request(http.MethodPost, "./imports", strings.NewReader("--x\r\nno part"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	v.do(r).is(http.StatusBadRequest)

	stolen := v.request(http.MethodPost, "./imports", strings.NewReader("--x\r\n"))
	stolen.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	stolen.Header.Set("Sec-Fetch-Site", "cross-site")
	v.do(stolen).is(http.StatusForbidden)

	reader := v.as("reader", "read")
	reader.get("./imports").ok().lacks(`type="file"`, "<form id=")
	reader.sendFile("./imports", "a.csv", "userid\nx\n", "text:key", "k").is(http.StatusForbidden)
	reader.sendFile("./imports?do=check", "a.csv", "userid\nx\n").is(http.StatusForbidden)
	v.get("./imports").ok().has("The app has no imports")
}

func TestUploadWithoutDirectory(t *testing.T) {
	v := newVisitor(t)
	v.sendFile("./imports", "a.csv", "userid\nx\n", "text:key", "k").is(http.StatusUnprocessableEntity).has("--data")
}

func TestDryRun(t *testing.T) {
	v, dir := newKeeper(t)
	v.sendFile("./imports?do=check", "a.csv", "name\nalice\n@bad\nAlice\nalice\n@<b>\n", "text:key", "tuesday", "query:map", "name=userid").ok().
		has("Result of the dry run", "are reserved", "line 3", "&lt;b&gt;", `value="tuesday"`, `value="name=userid"`).lacks("<b>")
	v.sendFile("./imports?do=check", "a.csv", "no column\nalice\n").is(http.StatusBadRequest).has("a.csv")
	r, err := v.srv.AdminClient.CheckImport(t.Context(), v.srv.SDKAppID, client.NewImport{File: "a.csv", Map: map[string]string{"name": "userid"}}, strings.NewReader("name\nalice\n@bad\nalice\n"))
	if err != nil || r.Rows != 3 || r.Rejected != 1 || len(r.Rejections) != 1 || r.Rejections[0].Examples[0].Line != 3 || r.Duplicates != 1 || r.Warnings[0].Examples[0].LaterLine != 4 {
		t.Errorf("report %+v, %v", r, err)
	}
	if v.account("alice") != nil {
		t.Error("the dry run has imported")
	}
	left, err := os.ReadDir(filepath.Join(dir, "uploads"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v remain, %v", left, err)
	}
}

func TestImportOfServerFile(t *testing.T) {
	v, dir := newKeeper(t)
	if err := os.WriteFile(filepath.Join(dir, "b.csv"), []byte("userid\ncarol\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.submit("./imports", "create", "text:file", "b.csv", "text:key", "wednesday").done()
	v.ended("wednesday")
	if v.account("carol") == nil {
		t.Error("it was not imported")
	}
	v.submit("./imports", "create", "text:file", "../b.csv", "text:key", "thursday").is(http.StatusBadRequest).has("cannot be read")
}

// TestImportControl controls a stream that nobody sends at present.
func TestImportControl(t *testing.T) {
	v, _ := newKeeper(t)
	body, send := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := v.srv.AdminClient.ImportStream(t.Context(), v.srv.SDKAppID, "stream", 1, body)
		done <- err
	}()
	if _, err := io.WriteString(send, `{"userid":"dora"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	for { // until the server has it
		if i, err := v.srv.AdminClient.Import(t.Context(), v.srv.SDKAppID, "stream"); err == nil && i.State == client.ImportOpen {
			break
		}
	}
	_ = send.CloseWithError(io.ErrUnexpectedEOF)
	if <-done == nil {
		t.Fatal("the stream has ended well")
	}
	const page = "./import?key=stream"
	v.get(page).ok().has("Open", `data-ended="false"`)
	v.submit(page, "rate", "number:rate", "5").done()
	v.submit(page, "rate", "number:rate", "-5").is(http.StatusBadRequest).has(`value="-5"`)
	v.submit(page, "pause").done()
	v.get(page).ok().has("Paused").lacks(`<form id="pause"`)
	i, err := v.srv.AdminClient.Import(t.Context(), v.srv.SDKAppID, "stream")
	if err != nil || i.Rate != 5 || i.State != client.ImportPaused {
		t.Errorf("import %+v, %v", i, err)
	}
	v.submit(page, "resume").done()
	reader := v.as("reader", "read")
	reader.get(page).ok().lacks("<form id=")
	reader.post(page, "_form", "cancel", "_confirm", "stream").is(http.StatusForbidden)
	v.submit(page, "cancel", "_confirm", "x").is(http.StatusBadRequest)
	v.submit(page, "cancel", "_confirm", "stream").done()
	if i := v.ended("stream"); i.State != client.ImportCanceled {
		t.Errorf("import %+v", i)
	}
	if e := v.audited("import.cancel"); e.TokenID == "" {
		t.Errorf("audit %+v", e)
	}
	v.post("/console/preferences", "lang", "zh").done()
	v.get(page).ok().has("已取消").lacks("imports.")
	v.get("./imports").ok().has("导入文件").lacks("imports.")
}
