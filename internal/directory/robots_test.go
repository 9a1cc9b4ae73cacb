package directory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
)

func (b *bench) robot(id account.UserID, changes ...directory.Change) {
	b.Helper()
	if err := b.dir.CreateRobot(b.Context(), b.app, id, changes); err != nil {
		b.Fatalf("CreateRobot(%s): %v", id, err)
	}
}

func (b *bench) robots(want ...account.UserID) {
	b.Helper()
	got, err := b.dir.Robots(b.Context(), b.app)
	if diff := cmp.Diff(append([]account.UserID{}, want...), got); err != nil || diff != "" {
		b.Errorf("Robots: %v (-want +got):\n%s", err, diff)
	}
}

// TestRobotsAreAccounts calls what reads and changes accounts with a robot.
func TestRobotsAreAccounts(t *testing.T) {
	b := newBench(t, account.App{Edition: account.Trial, Settings: account.Settings{Quota: 2, Words: []string{"rude"}}})
	b.robot("@RBT#1", directory.Change{Tag: account.TagNick, Value: account.Value{Text: "one"}})
	b.imports(account.Upsert{ID: "alice"}) // fills the quota
	b.robot("@RBT#2")
	if codes := b.imports(account.Upsert{ID: "bob"}, account.Upsert{ID: "@RBT#3"}); codes[0] != account.QuotaFull || codes[1] != account.InvalidID {
		t.Errorf("import of bob and a robot: %v", codes)
	}
	ids := []account.UserID{"@RBT#2", "alice", "@RBT#3", "@RBT#1", "@RBT#"}
	checked, err := b.dir.Check(t.Context(), b.app, ids)
	if err != nil || !checked[0].Exists || !checked[1].Exists || checked[2].Exists || !checked[3].Exists ||
		checked[2].Code != account.OK || checked[4].Code != account.InvalidID {
		t.Errorf("Check = %+v, %v", checked, err)
	}
	accounts, err := b.dir.Profiles(t.Context(), b.app, ids, nil)
	if err != nil || accounts[3].Nick != "one" || accounts[0].InternalID == 0 || accounts[2].InternalID != 0 || accounts[1].ID != "alice" {
		t.Errorf("Profiles = %+v, %v", accounts, err)
	}
	set := func(id account.UserID, text string) account.Code {
		return account.CodeOf(b.dir.SetProfile(t.Context(), b.app, id, []directory.Change{{Tag: account.TagSelfSignature, Value: account.Value{Text: text}}}))
	}
	if got := set("@RBT#1", "hello"); got != account.OK {
		t.Errorf("SetProfile: %v", got)
	}
	if got := set("@RBT#1", "rude"); got != account.SensitiveWord {
		t.Errorf("SetProfile of a word: %v", got)
	}
	if got := set("@RBT#3", "hello"); got != account.NoAccount {
		t.Errorf("SetProfile of no robot: %v", got)
	}
	accounts, err = b.dir.Profiles(t.Context(), b.app, []account.UserID{"@RBT#1"}, nil)
	if v, _ := accounts[0].Field(account.TagSelfSignature); err != nil || v.Text != "hello" {
		t.Errorf("profile %+v, %v", accounts, err)
	}
	if n, err := b.dir.Count(t.Context(), b.app.ID); n != 2 || err != nil {
		t.Errorf("%d accounts, %v; want 2", n, err)
	}
	for what, err := range map[string]error{"Delete": b.deletion("@RBT#1"), "Kick": b.dir.Kick(t.Context(), b.app, "@RBT#1")} {
		if account.CodeOf(err) != account.InvalidID || account.DetailOf(err) == "" {
			t.Errorf("%s of a robot: %v", what, err)
		}
	}
	b.robots("@RBT#1", "@RBT#2")
}

func (b *bench) deletion(id account.UserID) error {
	results, err := b.dir.Delete(b.Context(), b.app, []account.UserID{id})
	if err != nil {
		b.Fatal(err)
	}
	return results[0].Err()
}

// TestRobotMutes mutes a robot, which is created again.
func TestRobotMutes(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	b.robot("@RBT#1")
	b.mutes("@RBT#1", new(forEver), nil)
	if err := b.dir.SweepMutes(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.muted("@RBT#1", forEver, 0)
	if err := b.dir.DeleteRobot(t.Context(), b.app, "@RBT#1"); err != nil {
		t.Fatal(err)
	}
	b.robot("@RBT#1")
	b.muted("@RBT#1", 0, 0)
}

// TestRobotsOfSnapshots resets a test app, restores a snapshot of it, and deletes it.
func TestRobotsOfSnapshots(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	empty := b.snapshot("empty")
	b.robot("@RBT#1", directory.Change{Tag: account.TagNick, Value: account.Value{Text: "one"}})
	b.mutes("@RBT#1", new(forEver), nil)
	if s := b.snapshot("s"); s.Bytes <= empty.Bytes || s.Accounts != empty.Accounts {
		t.Errorf("snapshot %+v, without a robot %+v", s, empty)
	}
	b.robot("@RBT#2")
	if _, err := b.dir.Reset(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	b.robots()
	b.restore("s")
	b.robots("@RBT#1")
	b.muted("@RBT#1", forEver, 0)
	b.restore("empty")
	b.robots()
	b.restore("s")
	if err := b.dir.DeleteApp(t.Context(), "test", appID); err != nil {
		t.Fatalf("DeleteApp with a robot: %v", err)
	}
	if robots, err := b.registry.Robots(t.Context(), b.app); err != nil || len(robots) != 0 {
		t.Errorf("robots of a deleted app: %+v, %v", robots, err)
	}
}
