package wire

import (
	"strings"
	"testing"
)

func TestExplainPath(t *testing.T) {
	for path, want := range map[string]string{
		"/v4/openim/sendmsg":                          "openim/sendmsg sends a message; Rollcall serves accounts alone",
		"/v4/group_open_http_svc/create_group":        "group_open_http_svc/create_group creates a group; Rollcall serves accounts alone",
		"/v4/sns/friend_add":                          "sns/friend_add adds friends; Rollcall serves accounts alone",
		"/v4/openim/im_push":                          "im_push of all_member_push pushes a message to all accounts; Rollcall serves accounts alone",
		"/v4/sns/nothing":                             "the vendor's service sns keeps friends and blocklists; Rollcall serves accounts alone",
		"/v4/sns":                                     "the vendor's service sns keeps friends and blocklists; Rollcall serves accounts alone",
		"/v4/im_open_login_svc/account_imports":       "there is no command account_imports; did you mean /v4/im_open_login_svc/account_import?",
		"/v4/im_open_login_svc/multi_account_import":  "there is no command multi_account_import; did you mean /v4/im_open_login_svc/multiaccount_import?",
		"/v4/im_open_login_svc/import_account":        "there is no command import_account; did you mean /v4/im_open_login_svc/account_import?",
		"/v4/im_open_login_svc/delete_accounts":       "there is no command delete_accounts; did you mean /v4/im_open_login_svc/account_delete?",
		"/v4/profile/set_portrait":                    "there is no command set_portrait; did you mean /v4/profile/portrait_set?",
		"/v4/import_account":                          "the path lacks the service; call /v4/im_open_login_svc/account_import",
		"/v4/openim/query_state":                      "there is no command query_state; did you mean /v4/openim/querystate?",
		"/v4/openim/account_check":                    "account_check is a command of im_open_login_svc; call /v4/im_open_login_svc/account_check",
		"/v4/im_open_login/account_check":             "account_check is a command of im_open_login_svc; call /v4/im_open_login_svc/account_check",
		"/v4/im_open_login_svc/Account_Check":         "paths are case-sensitive; call /v4/im_open_login_svc/account_check",
		"/v4/im_open_login_svc/account_check/":        "the path has a slash too many; call /v4/im_open_login_svc/account_check",
		"//v4//im_open_login_svc/account_check":       "the path has a slash too many; call /v4/im_open_login_svc/account_check",
		"/v3/im_open_login_svc/account_check":         "the version in the path is not v4; call /v4/im_open_login_svc/account_check",
		"/im_open_login_svc/account_check":            "/v4 is missing in the path; call /v4/im_open_login_svc/account_check",
		"/v4/im_open_login_svc/account%5Fcheck":       "the path is escaped where it need not be; call /v4/im_open_login_svc/account_check",
		"/v4/account_check":                           "the path lacks the service; call /v4/im_open_login_svc/account_check",
		"/v4/openim":                                  "the path names no command of openim; it has query_online_status and querystate",
		"/v4/":                                        "the path names no service and no command",
		"/v4/im_open_login_svc/account_check/now":     "the path goes on after the command; call /v4/im_open_login_svc/account_check",
		"/v4/a/b/c/d":                                 "",
		"/v4/nothing/nothing":                         "",
		"/v4/" + strings.Repeat("x", 1<<16) + "/kick": "",
		"/v4/" + strings.Repeat("x", 200) + "/kick":   "kick is a command of im_open_login_svc; call /v4/im_open_login_svc/kick",
		"/v4/openim/" + strings.Repeat("x", 1<<16):    "",
		"/v4/im_open_login_svc/%00":                   "",
		"/v4/im_open_login_svc/account_chec%C3%A9":    `there is no command "account_chec\u00e9"; did you mean /v4/im_open_login_svc/account_check?`,
	} {
		if got := ExplainPath(path); got != want {
			t.Errorf("ExplainPath(%.80q)\n got: %s\nwant: %s", path, got, want)
		}
	}
}

func TestIsVendorPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/v4/": true, "/v4": true, "//v4/openim/querystate": true, "/v3/openim/querystate": true, "/v12/x": true,
		"/openim/querystate": true, "/sns/friend_add": true, "/profile": true,
		"/": false, "": false, "/v": false, "/v4x/y": false, "/vendor/x": false, "/admin/v1/apps": false, "/docs": false, "/metrics": false,
	} {
		if got := IsVendorPath(path); got != want {
			t.Errorf("IsVendorPath(%q) = %v, want %v", path, got, want)
		}
	}
}

// TestVendorCommands checks that the table is complete, sorted, and without the
// commands that Rollcall serves.
func TestVendorCommands(t *testing.T) {
	last, rows := "", 0
	for line := range strings.Lines(vendorCommands) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 || f[0] == "" || f[1] == "" || f[2] == "" || f[0] < last || !printable(f[2]) {
			t.Errorf("row %q", line)
			continue
		}
		last = f[0]
		if c, d := closestCommand(f[0], f[1]); d == 0 {
			t.Errorf("%s/%s is served by %s", f[0], f[1], c.Path())
		}
	}
	known := 0
	for _, commands := range unserved() {
		known += len(commands)
	}
	if known != rows || rows < 150 {
		t.Errorf("%d of %d rows are known", known, rows)
	}
}

func FuzzExplainPath(f *testing.F) {
	f.Add("/v4/openim/sendmsg")
	f.Add("/v4//kick%2f")
	f.Fuzz(func(t *testing.T, path string) {
		if got := ExplainPath(path); len(got) > maxDiagnosis || !printable(got) {
			t.Errorf("ExplainPath(%q) = %q", path, got)
		}
	})
}
