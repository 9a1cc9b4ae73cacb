package bulk_test

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/bulk"
	"rollcall/internal/dryrun"
	"rollcall/internal/records"
)

func (b *jobBench) check(job records.ImportJob, body io.Reader) (*dryrun.Report, error) {
	return b.bulk.Check(b.Context(), bulk.Job{App: appID, Actor: "test", ImportJob: job}, body, newConn(), nil)
}

func (b *jobBench) nothingLeft() {
	b.Helper()
	left, err := os.ReadDir(b.o.SpoolDir)
	if err != nil || len(left) > 0 {
		b.Errorf("%v remain, %v", left, err)
	}
}

// TestCheck checks that a dry run applies the rules of the app, says what is wrong, and
// leaves nothing behind.
func TestCheck(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		file := records.ImportJob{File: "accounts.csv", Map: map[string]string{"name": "userid"}}
		r, err := b.check(file, strings.NewReader("name,nick\nalice,A\n@bob,B\nalice,C\nALICE,D\n"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Rows != 4 || r.Accepted != 3 || r.Rejected != 1 || r.Accounts != 2 || r.Duplicates != 1 || r.CaseVariants != 1 || r.Unchecked != "" {
			t.Errorf("report %+v", r)
		}
		if len(r.Rejections) != 1 || r.Rejections[0].Examples[0].Line != 3 || r.Rejections[0].Examples[0].UserID != "@bob" {
			t.Errorf("rejections %+v", r.Rejections)
		}
		if _, err := b.dir.Account(b.Context(), appID, "alice"); account.CodeOf(err) != account.NoAccount {
			t.Errorf("it was imported: %v", err)
		}
		b.nothingLeft()
	})
}

func TestCheckRefuses(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		for name, c := range map[string]struct {
			job  records.ImportJob
			text string
			want account.Code
		}{
			"no column": {records.ImportJob{File: "a.csv"}, "name\nalice\n", account.BadParameter},
			"no file":   {records.ImportJob{}, "userid\nalice\n", account.BadParameter},
			"format":    {records.ImportJob{File: "a.csv", Format: "exe"}, "userid\nalice\n", account.BadParameter},
			"large":     {records.ImportJob{File: "a.csv"}, strings.Repeat("x", 10_001), account.BatchTooLarge},
		} {
			if _, err := b.check(c.job, strings.NewReader(c.text)); account.CodeOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.bulk.Check(b.Context(), bulk.Job{App: appID + 1, ImportJob: records.ImportJob{File: "a.csv"}}, strings.NewReader(""), newConn(), nil); account.CodeOf(err) != account.NoApp {
			t.Errorf("no app: %v", err)
		}
		// The report is about the rows before the fault.
		r, err := b.check(records.ImportJob{File: "a.json"}, strings.NewReader(`[{"userid":"alice"},{"userid":"bob"},`))
		if err != nil || r.Rows != 2 || r.Stopped == "" {
			t.Errorf("a cut file: %+v, %v", r, err)
		}
		b.nothingLeft()
	})
}

// TestCheckEnding shuts the server down while it waits for the body of a dry run.
func TestCheckEnding(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		r, w := io.Pipe()
		c, ending := newConn(), make(chan struct{})
		go func() {
			_, _ = io.WriteString(w, "userid\nalice\n")
			<-c.interrupted
			_ = w.CloseWithError(os.ErrDeadlineExceeded)
		}()
		go func() {
			time.Sleep(time.Second)
			close(ending)
		}()
		_, err := b.bulk.Check(b.Context(), bulk.Job{App: appID, ImportJob: records.ImportJob{File: "a.csv"}}, r, c, ending)
		if account.CodeOf(err) != account.Unavailable || !strings.Contains(account.DetailOf(err), "shuts down") {
			t.Errorf("the error is %v", err)
		}
		b.nothingLeft()
	})
}
