package pgtest

import (
	"context"
	"testing"
	"time"
)

// TestPatroni checks that a cluster replaces a killed primary by itself and keeps every commit.
func TestPatroni(t *testing.T) {
	m := Patroni(t)
	if err := execute(t.Context(), m.MultiURL(), "CREATE TABLE a (b int)"); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		first := m.Primary()
		if err := execute(t.Context(), m.MultiURL(), "INSERT INTO a VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		killed := m.nodes[m.KillPrimary()]
		start := time.Now()
		if left := workers(t, killed.dir); len(left) > 0 {
			t.Errorf("the processes %q survive the kill of their node", left)
		}
		eventually(t, "a commit succeeds", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return execute(ctx, m.MultiURL(), "INSERT INTO a VALUES (1)") == nil
		})
		t.Logf("no commit for %v", time.Since(start).Round(time.Millisecond))
		if m.Primary() == first {
			t.Error("the killed node is the primary")
		}
		m.Complete()
		if n := query[int](t, connect(t, m.MultiURL()), "SELECT count(*) FROM a"); n < 2*(round+1) {
			t.Errorf("%d of %d commits are left", n, 2*(round+1))
		}
	}
}
