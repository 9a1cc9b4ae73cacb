package postgres

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestCitusKill kills a worker of Citus under load. ROLLCALL_TEST_CITUS_KILL is a command
// that kills one with all its processes and starts it again. The cluster is not of this
// test, so no other way is known to it.
func TestCitusKill(t *testing.T) {
	command := os.Getenv("ROLLCALL_TEST_CITUS_KILL")
	if citusURL == "" || command == "" {
		t.Skip("needs ROLLCALL_TEST_CITUS_URL and ROLLCALL_TEST_CITUS_KILL")
	}
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	v := &victim{t: t, store: s}
	for range *kills {
		l := startLoad(t, s, "c"+time.Now().Format("150405.000"))
		l.await(50)
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		l.await(50)
		l.end()
	}
	v.check()
}
