package pgtest

import "testing"

// TestCluster checks that a cluster survives the kill of its primary with every commit.
func TestCluster(t *testing.T) {
	c := StartCluster(t, 2)
	if c.Leader() != 0 || c.Primary() != c.Node(0) {
		t.Fatalf("node %d is the primary", c.Leader())
	}
	if err := execute(t.Context(), c.MultiURL(), "CREATE TABLE a (b int)"); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		conn := connect(t, c.MultiURL())
		if on := query[string](t, conn, "SHOW fsync"); on != "on" {
			t.Errorf("fsync is %s", on)
		}
		if err := execute(t.Context(), c.MultiURL(), "INSERT INTO a VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		killed := c.Leader()
		c.Kill(killed)
		if left := workers(t, c.nodes[killed].dir); len(left) > 0 {
			t.Errorf("the processes %q survive the kill of their server", left)
		}
		if err := execute(t.Context(), c.MultiURL(), "SELECT 1"); err == nil {
			t.Error("a cluster without a primary accepts writes")
		}
		c.Promote(c.Furthest())
		if c.Leader() == killed || c.Primary() == c.Node(killed) {
			t.Errorf("node %d is the primary after its kill", killed)
		}
		// One standby is left, so commits succeed.
		if err := execute(t.Context(), c.MultiURL(), "INSERT INTO a VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		c.Rejoin(killed)
		if n := query[int](t, connect(t, c.MultiURL()), "SELECT count(*) FROM a"); n != 2*(round+1) {
			t.Errorf("%d of %d commits are left", n, 2*(round+1))
		}
	}
	// Commits wait for a standby.
	var standbys []int
	for i := range 3 {
		if i != c.Leader() {
			standbys = append(standbys, i)
			c.Kill(i)
		}
	}
	watch := connect(t, c.Primary())
	commit := make(chan error, 1)
	go func() { commit <- execute(t.Context(), c.Primary(), "INSERT INTO a VALUES (1)") }()
	eventually(t, "a commit waits for a standby", func() bool {
		if len(commit) > 0 {
			t.Fatalf("a commit without a standby returns %v", <-commit)
		}
		return query[int](t, watch, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 1
	})
	c.Restart(standbys[0])
	if err := <-commit; err != nil {
		t.Errorf("a commit after the restart of a standby returns %v", err)
	}
}

// TestClusterAlone checks a primary without standbys.
func TestClusterAlone(t *testing.T) {
	c := StartCluster(t, 0)
	if err := execute(t.Context(), c.Primary(), "CREATE TABLE a (b int)"); err != nil {
		t.Fatal(err)
	}
	c.Kill(0)
	c.Restart(0)
	if n := query[int](t, connect(t, c.MultiURL()), "SELECT count(*) FROM a"); n != 0 {
		t.Errorf("%d rows", n)
	}
}
