package importer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
)

func TestRead(t *testing.T) {
	account := func(line int, id, nick string) Row {
		return Row{Line: line, Account: client.Account{UserID: id, Nick: nick}}
	}
	bad := func(line int, id string) Row {
		return Row{Line: line, Account: client.Account{UserID: id}, Fault: notUTF8}
	}
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, text string
		want       []Row
		err        string
	}{
		{"ids", "alice\nbob", []Row{account(1, "alice", ""), account(2, "bob", "")}, ""},
		{"of Windows", "\xef\xbb\xbfalice\r\n\r\nbob b\r\n", []Row{account(1, "alice", ""), account(3, "bob b", "")}, ""},
		{"CSV of Windows", "\xef\xbb\xbf\"UserID\",Nick\r\nalice,A\r\n", []Row{account(2, "alice", "A")}, ""},
		{"CSV with lines in a field", "userid,nick\nalice,\"A\nB\"\nbob,B\n", []Row{account(2, "alice", "A\nB"), account(4, "bob", "B")}, ""},
		{"an id like a header's", "alice\nuserid\n", []Row{account(1, "alice", ""), account(2, "userid", "")}, ""},
		{"JSON lines", `{"userid":"alice","nick":"A"}` + "\n" + `{"userid":""}`, []Row{account(1, "alice", "A"), account(2, "", "")}, ""},
		{"nothing", "", nil, ""},
		{"a long line", "alice\n" + long + "\nbob", []Row{account(1, "alice", "")}, "line 2"},
		{"a column twice", "userid,userid\nalice,bob", nil, "userid"},
		{"a column of another name", "userid,name\nalice,A", nil, "name"},
		{"a list of ids that begin like a header", "userid1\nuserid-2", []Row{account(1, "userid1", ""), account(2, "userid-2", "")}, ""},
		{"a header with semicolons", "userid;nick\nalice;A", nil, "with commas between"},
		{"a header with tabs", "\xef\xbb\xbfUserID\tNick\nalice\tA", nil, "with commas between"},
		{"a quoted header with semicolons", "\"userid\";\"nick\"\n\"alice\";\"A\"", nil, "with commas between"},
		{"an id that is not UTF-8", "alice\nb\xfcb\ncarol", []Row{account(1, "alice", ""), bad(2, "b\xfcb"), account(3, "carol", "")}, ""},
		{"CSV that is not UTF-8", "userid,nick\nalice,\xc4\nbob,B", []Row{{Line: 2, Account: client.Account{UserID: "alice", Nick: "\xc4"}, Fault: notUTF8}, account(3, "bob", "B")}, ""},
		{"JSON that is not UTF-8", `{"userid":"alice","nick":"` + "\xc4" + `"}` + "\n" + `{"userid":"bob"}`, []Row{bad(1, ""), account(2, "bob", "")}, ""},
		{"an open quotation mark", "userid\n\"alice\nbob\n", nil, "line 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []Row
			var failure error
			for r, err := range Read(strings.NewReader(tt.text)) {
				if err != nil {
					failure = err
					break
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if (failure == nil) != (tt.err == "") || failure != nil && !strings.Contains(failure.Error(), tt.err) {
				t.Errorf("error %v, want one with %q", failure, tt.err)
			}
		})
	}
}
