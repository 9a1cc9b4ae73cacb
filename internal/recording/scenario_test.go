package recording

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/testutil"
	"rollcall/rollcalltest"
	"rollcall/usersig"
)

// TestMain fails the package if a log contains a secret.
func TestMain(m *testing.M) { testutil.Main(m) }

// A session is a recorder in front of a server.
type session struct {
	*testing.T
	server   *rollcalltest.Server
	recorder *Recorder
	front    *httptest.Server // with recorder
	url      string           // of front
	file     string
	secrets  []string
}

func newSession(t *testing.T, to string, server *rollcalltest.Server) *session {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	rec, err := NewRecorder(Options{To: target, File: file, By: "test", Transport: transport, Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(rec)
	t.Cleanup(front.Close)
	return &session{T: t, server: server, recorder: rec, front: front, url: front.URL, file: file}
}

// record starts a server and a recorder in front of it.
func record(t *testing.T) *session {
	t.Helper()
	server := rollcalltest.NewServer(t, rollcalltest.WithAdmin("boss"))
	s := newSession(t, server.URL, server)
	s.keep(server.Key)
	return s
}

// keep declares secrets that must not be in the recording.
func (s *session) keep(secrets ...string) {
	testutil.Secret(s, secrets...)
	s.secrets = append(s.secrets, secrets...)
}

// close ends the recording and returns its lines.
func (s *session) close() []string {
	s.Helper()
	s.front.Close() // the last call ends first: its response can be whole before it is recorded
	if err := s.recorder.Close(); err != nil {
		s.Fatal(err)
	}
	b, err := os.ReadFile(s.file)
	if err != nil {
		s.Fatal(err)
	}
	for _, secret := range s.secrets {
		if strings.Contains(string(b), secret) || strings.Contains(string(b), url.QueryEscape(secret)) {
			s.Error("the recording contains a secret")
		}
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}

// call sends a call, signed for identifier, and returns the response.
func (s *session) call(identifier, command, body string) string {
	s.Helper()
	return s.signed(identifier, s.server.UserSig(identifier), command, body)
}

// signed sends a call with a UserSig.
func (s *session) signed(identifier, sig, command, body string) string {
	s.Helper()
	if len(sig) >= 8 {
		s.keep(sig)
	}
	target := fmt.Sprintf("%s/v4/%s?sdkappid=%d&identifier=%s&usersig=%s&random=4242424242&contenttype=json",
		s.url, command, s.server.SDKAppID, url.QueryEscape(identifier), sig)
	return s.post(target, body)
}

func (s *session) post(target, body string) string {
	s.Helper()
	req := testutil.NewRequest(s, http.MethodPost, target, "", body)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, got := testutil.Do(s, http.DefaultClient, req)
	if resp.StatusCode != http.StatusOK {
		s.Errorf("%s: status %d", target, resp.StatusCode)
	}
	return got
}

// claims signs a UserSig by hand.
func (s *session) claims(key string, c usersig.Claims) string {
	s.Helper()
	sig, err := usersig.Sign(usersig.HMACKey(key), c)
	if err != nil {
		s.Fatal(err)
	}
	return sig
}

// names are texts of users in the scenario.
var names = []string{
	"alice_liddell", "bob.the.builder", "caroline42", "davidson", "Alice in Wonderland", "小明同学你好",
	"https://cdn.example.com/faces/alice.png", "faces/bob.png", "@reserved_name", "nobody_knows_me", "mallory_x",
}

// scenario calls every command, from the import of accounts to their deletion, and with
// mistakes of every kind.
func scenario(s *session) {
	s.Helper()
	const login = "im_open_login_svc/"
	call := func(command, body string) { s.Helper(); s.call("boss", command, body) }
	call(login+"account_check", `{"CheckItem":[{"UserID":"alice_liddell"}]}`)
	call(login+"account_import", `{"Identifier":"alice_liddell","Nick":"Alice in Wonderland","FaceUrl":"https://cdn.example.com/faces/alice.png"}`)
	call(login+"multiaccount_import", `{"AccountList": [{"UserID":"bob.the.builder","Nick":"小明同学你好","FaceUrl":"faces\/bob.png"}]}`)
	call(login+"multiaccount_import", `{"Accounts":["alice_liddell","caroline42","@reserved_name"]}`)
	call("profile/portrait_get", `{"To_Account":["alice_liddell","bob.the.builder","nobody_knows_me"],"TagList":["Tag_Profile_IM_Nick","Tag_Profile_IM_Image"]}`)
	call("profile/portrait_set", `{"From_Account":"caroline42","ProfileItem":[{"Tag":"Tag_Profile_IM_BirthDay","Value":19840917},{"Tag":"Tag_Profile_IM_Gender","Value":"Gender_Type_Female"}]}`)
	call("profile/portrait_get", `{"To_Account":["caroline42"],"TagList":["Tag_Profile_IM_BirthDay","Tag_Profile_IM_Gender"]}`)
	call("profile/portrait_set", `{"From_Account":"caroline42","ProfileItem":[{"Tag":"Tag_Profile_IM_Level","Value":4294967296}]}`)
	call("openim/query_online_status", `{"IsNeedDetail":1,"To_Account":["alice_liddell","nobody_knows_me"]}`)
	call("openim/querystate", `{"To_Account":["alice_liddell"]}`)
	call(login+"kick", `{"UserID":"alice_liddell"}`)
	call(login+"kick", `{"UserID":"nobody_knows_me"}`)
	mistakes(s, call)
	call(login+"account_delete", `{"DeleteItem":[{"UserID":"bob.the.builder"},{"UserID":"nobody_knows_me"},{"UserID":"boss"}]}`)
	call(login+"account_check", `{"CheckItem":[{"UserID":"bob.the.builder"},{"UserID":"caroline42"}]}`)
}

// mistakes makes the calls of the scenario that fail.
func mistakes(s *session, call func(command, body string)) {
	s.Helper()
	const login = "im_open_login_svc/"
	call(login+"nothing", `{}`)
	call(login+"account_import", `{}`)
	call(login+"account_import", `{"UserID":987654321}`)
	call(login+"account_import", `{"UserID":"davidson","Nick":"`+strings.Repeat("x", 501)+`"}`)
	call(login+"account_import", `{"UserID":"davidson","UserID":"alice_liddell"}`)
	call(login+"account_import", `{"UserID":"davidson",}`)
	call(login+"account_import", `{'UserID':'davidson'}`)
	call(login+"account_import", "{\"UserID\":\"\xc4\xe3\xba\xc3\"}")
	call(login+"account_import", `UserID=davidson&Nick=davidson`)
	call(login+"account_import", ``)
	call("openim/querystate", `{"To_Account":[]}`)
	check := `{"CheckItem":[{"UserID":"alice_liddell"}]}`
	key, app, admin := s.server.Key, s.server.SDKAppID, "boss"
	for _, sig := range []string{
		"", "xxx",
		s.claims(key, usersig.Claims{SDKAppID: app, Identifier: "mallory_x", Validity: time.Hour}),
		s.claims(key, usersig.Claims{SDKAppID: app + 1, Identifier: admin, Validity: time.Hour}),
		s.claims("a key of another app", usersig.Claims{SDKAppID: app, Identifier: admin, Validity: time.Hour}),
		s.claims(key, usersig.Claims{SDKAppID: app, Identifier: admin, IssuedAt: time.Now().Add(-48 * time.Hour), Validity: time.Hour}),
	} {
		s.signed(admin, sig, login+"account_check", check)
	}
	s.call("mallory_x", login+"account_check", check)
	s.call("mallory_x", "openim/querystate", `{"To_Account":["alice_liddell"]}`)
	s.post(s.url+"/v4/openim/querystate?sdkappid=abc&identifier=boss&usersig=x", `{}`)
	s.post(s.url+"/v4/openim/querystate?identifier=boss", `{}`)
}

// replayed replays a file against a new server and returns the differences.
func replayed(t *testing.T, file string, prepare func(*rollcalltest.Server)) ([]Difference, *Summary) {
	t.Helper()
	server := rollcalltest.NewServer(t)
	testutil.Secret(t, server.Key)
	if prepare != nil {
		prepare(server)
	}
	rec, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	found := []Difference{}
	sum, err := Replay(context.Background(), rec, Target{
		URL: server.URL, SDKAppID: server.SDKAppID, Key: usersig.HMACKey(server.Key), HTTPClient: &http.Client{Transport: transport},
	}, func(d Difference) error { found = append(found, d); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return found, sum
}

// TestScenario records the scenario, searches the file for what must not be in it, and
// replays it against a new server with another app and another admin.
func TestScenario(t *testing.T) {
	s := record(t)
	scenario(s)
	lines := s.close()
	text := strings.Join(lines, "\n")
	for _, name := range append([]string{"alice", "Wonderland", "example.com", "bob", "builder", "davidson", "987654321", "19840917", "小明", "mallory", "boss", "4242424242"}, names...) {
		if strings.Contains(text, name) {
			t.Errorf("the recording contains %q", name)
		}
	}
	for _, kept := range []string{fmt.Sprint(s.server.SDKAppID), "Tag_Profile_IM_Nick", "Gender_Type_Female", "NotImported", "@TLS#NOT_FOUND", "Err_TLS_PT_Open_Login_Account_Not_Exist", "FailAccounts"} {
		if !strings.Contains(text, kept) {
			t.Errorf("the recording lacks %q", kept)
		}
	}
	found, sum := replayed(t, s.file, nil)
	for _, d := range found {
		t.Error(d)
	}
	if want := len(lines) - 1; sum.Calls != want || sum.Differing != 0 || sum.Skipped != 0 || sum.Unreadable != 0 || len(sum.Notes) > 0 {
		t.Errorf("summary %+v, want %d calls", *sum, want)
	}
	if info, err := os.Stat(s.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v: %v", info.Mode(), err)
	}
}

// edit replaces one text in the line of a recording and writes it to another file.
func edit(t *testing.T, lines []string, call int, old, changed string) string {
	t.Helper()
	lines = append([]string(nil), lines...)
	if strings.Count(lines[call], old) != 1 {
		t.Fatalf("%q is not once in %s", old, lines[call])
	}
	lines[call] = strings.Replace(lines[call], old, changed, 1)
	file := filepath.Join(t.TempDir(), "edited.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDifferences changes one thing in a recording and wants exactly this difference.
func TestDifferences(t *testing.T) {
	s := record(t)
	scenario(s)
	lines := s.close()
	for _, tt := range []struct {
		name         string
		call         int
		old, changed string
		want         Difference
	}{
		{"value", 1, `"ErrorCode":0`, `"ErrorCode":1`, Difference{Path: "$.ErrorCode", Kind: ValueDiffers, Recorded: "1", Replayed: "0"}},
		{"text", 1, `"NotImported"`, `"Imported"`, Difference{Path: "$.ResultItem[0].AccountStatus", Kind: ValueDiffers, Recorded: `"Imported"`, Replayed: `"NotImported"`}},
		{"type", 1, `"ErrorCode":0`, `"ErrorCode":"0"`, Difference{Path: "$.ErrorCode", Kind: TypeDiffers, Recorded: `string "0"`, Replayed: "number 0"}},
		{"type in an item", 1, `"ResultCode":0`, `"ResultCode":null`, Difference{Path: "$.ResultItem[0].ResultCode", Kind: TypeDiffers, Recorded: "null", Replayed: "number 0"}},
		{"missing", 1, `"ErrorInfo":""`, `"ErrorInfo":"","RequestId":"x"`, Difference{Path: "$.RequestId", Kind: FieldMissing, Recorded: `"x"`}},
		{"added", 1, `,"ErrorInfo":""`, ``, Difference{Path: "$.ErrorInfo", Kind: FieldAdded, Replayed: `""`}},
		{"order", 1, `"ErrorCode":0,"ErrorInfo":""`, `"ErrorInfo":"","ErrorCode":0`, Difference{Path: "$", Kind: KeyOrder, Recorded: "ActionStatus, ErrorInfo, ErrorCode, ResultItem", Replayed: "ActionStatus, ErrorCode, ErrorInfo, ResultItem"}},
		{"status", 1, `"status":200`, `"status":502`, Difference{Kind: StatusDiffers, Recorded: "502", Replayed: "200"}},
		{"content type", 1, `"proto":"HTTP/1.1","content_type":"application/json"`, `"proto":"HTTP/1.1"`, Difference{Kind: TypeOfContent, Replayed: "application/json"}},
		{"body", 1, `"body":{"ActionStatus"`, `"text":"oops","was":{"ActionStatus"`, Difference{Kind: BodyDiffers, Recorded: "a body that is not JSON", Replayed: "JSON"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, sum := replayed(t, edit(t, lines, tt.call, tt.old, tt.changed), nil)
			for i := range found {
				found[i].Note = "" // see TestStates
			}
			tt.want.Call, tt.want.Command = tt.call, "account_check"
			if len(found) != 1 || found[0] != tt.want || sum.Differing != 1 || sum.Differences != 1 {
				t.Errorf("differences %v, want %v", found, tt.want)
			}
		})
	}
}

// TestItems changes the items of arrays.
func TestItems(t *testing.T) {
	for _, tt := range []struct{ name, recorded, replayed, want string }{
		{"same", `[{"UserID":"a","x":1},{"UserID":"b"}]`, `[{"UserID":"a","x":1},{"UserID":"b"}]`, ``},
		{"volatile", `{"RequestId":"a","Instid":7}`, `{"RequestId":"b","Instid":9}`, ``},
		{"times", `{"ErrorInfo":"kicked at 2023-11-14T22:13:19Z"}`, `{"ErrorInfo":"kicked at 2023-11-14T22:13:20.5Z"}`, ``},
		{"times elsewhere", `{"Nick":"2023-11-14T22:13:19Z"}`, `{"Nick":"2023-11-14T22:13:20Z"}`, `$.Nick value`},
		{"type of a volatile field", `{"Instid":7}`, `{"Instid":"7"}`, `$.Instid type`},
		{"order", `["a","b","c"]`, `["b","a","c"]`, `$ item order`},
		{"one less", `[{"UserID":"a"},{"UserID":"b","x":1}]`, `[{"UserID":"b","x":2}]`, `$[0] missing, $[1].x value`},
		{"one more", `["a","c"]`, `["a","b","c"]`, `$[1] added`},
		{"renamed", `[{"UserID":"a"},{"UserID":"b"}]`, `[{"UserID":"a"},{"UserID":"c"}]`, `$[1].UserID value`},
		{"repeated", `["a","a"]`, `["a"]`, `$[1] missing`},
		{"numbers", `[1,2,3]`, `[1,3]`, `$[1] value, $[2] missing`},
		{"escapes", `"\u0061\/"`, `"a/"`, ``},
		{"form of a number", `1.0`, `1`, `$ value`},
		{"a key twice", `{"a":1,"a":2}`, `{"a":1}`, `$.a#2 missing`},
		{"null", `null`, `{}`, `$ type`},
		{"more than JSON", `0x`, `0`, ` body`},
		{"not JSON", `{`, `{}`, ` body`},
		{"neither is JSON", `x`, `y`, ``},
		{"empty", ``, `y`, ` body`},
	} {
		c := new(comparer)
		c.bodies([]byte(tt.recorded), []byte(tt.replayed))
		var got []string
		for _, d := range c.found {
			got = append(got, d.Path+" "+string(d.Kind))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
}

func account(id string) client.Account { return client.Account{UserID: id} }

// TestStates replays against a server that has other accounts than the recording had.
func TestStates(t *testing.T) {
	s := record(t)
	if err := s.server.Client.ImportAccount(t.Context(), account("old_account")); err != nil {
		t.Fatal(err)
	}
	s.call("administrator", "im_open_login_svc/account_check", `{"CheckItem":[{"UserID":"new_account"},{"UserID":"old_account"}]}`)
	s.call("administrator", "im_open_login_svc/account_import", `{"UserID":"new_account"}`)
	lines := s.close()
	var e Exchange
	if err := json.Unmarshal([]byte(lines[2]), &e); err != nil {
		t.Fatal(err)
	}
	var imported struct{ UserID string }
	if err := json.Unmarshal(e.Request.JSON, &imported); err != nil {
		t.Fatal(err)
	}
	found, sum := replayed(t, s.file, func(server *rollcalltest.Server) {
		if err := server.Client.ImportAccount(t.Context(), account(imported.UserID)); err != nil {
			t.Fatal(err)
		}
	})
	if len(found) != 2 || found[0].Note == "" || len(sum.Notes) != 2 || !strings.Contains(sum.Notes[0], imported.UserID) ||
		!strings.Contains(sum.Notes[0], "use an empty app") || !strings.Contains(sum.Notes[1], "import them first") {
		t.Errorf("differences %v, notes %q", found, sum.Notes)
	}
}

// TestCut reads recordings whose lines are cut, and files that are none.
func TestCut(t *testing.T) {
	s := record(t)
	for range 3 {
		s.call("administrator", "im_open_login_svc/account_check", `{"CheckItem":[{"UserID":"alice_liddell"}]}`)
	}
	lines := s.close()
	lines[2] = lines[2][:len(lines[2])/2]
	lines[3] = lines[3][:len(lines[3])-1]
	file := filepath.Join(t.TempDir(), "cut.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, sum := replayed(t, file, nil); len(found) > 0 || sum.Calls != 1 || sum.Unreadable != 2 {
		t.Errorf("differences %v, summary %+v", found, *sum)
	}
	for name, text := range map[string]string{
		"no recording":    "{}\n",
		"newer":           `{"format":"rollcall-recording","version":2}` + "\n",
		"nothing":         "",
		"another program": "hello\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
