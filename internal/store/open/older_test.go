package open_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/open"
)

// older returns the directory of a store of format 4.
func older(t *testing.T) string {
	t.Helper()
	z, err := zip.OpenReader("../pebble/testdata/format4.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	return dir
}

// olderDigest is the digest of that store, as earlier versions computed it.
const olderDigest = "34c517661e245823e21ce09064ac9016c5e137d992122a02e9f56bd06ba44313"

// TestOlderStore checks a store of format 4, then opens it and reads everything through
// package records.
func TestOlderStore(t *testing.T) {
	dir := older(t)
	for _, when := range []string{"as it is", "taken over", "at the next start"} {
		t.Log(when)
		c, err := open.CheckStore(t.Context(), dir, "")
		if err != nil || c.Apps != 1 || c.Tokens != 1 || c.Audit != 6 || c.Accounts != 5 || c.Orphans != 0 || c.Digest != olderDigest {
			t.Fatalf("CheckStore = %+v, %v", c, err)
		}
		e, err := open.Engine(t.Context(), "pebble:"+dir, open.Options{})
		if err != nil {
			t.Fatal(err)
		}
		readOlder(t, records.New(e, nil))
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e, err := open.Engine(t.Context(), "pebble:"+dir, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	changeOlder(t, records.New(e, nil))
}

func readOlder(t *testing.T, r *records.Registry) {
	t.Helper()
	as, err := r.Apps(t.Context())
	if err != nil || len(as) != 1 || as[0].Name != "renamed" || as[0].Version != 2 || as[0].Keys[0].Secret != "secret of format 4" || len(as[0].Admins) != 2 {
		t.Errorf("Apps = %+v, %v", as, err)
	}
	token, err := r.Token(t.Context(), account.HashToken("rct_of_format_4"))
	if err != nil || token.ID != "0a0b0c0d" || token.Name != "console" {
		t.Errorf("Token = %+v, %v", token, err)
	}
	for app, want := range map[account.AppID]int{0: 6, 1400000001: 2, 1400000002: 2} {
		es, err := r.Audit(t.Context(), account.AuditQuery{App: app, Limit: 10})
		if err != nil || len(es) != want {
			t.Fatalf("trail of app %d: %+v, %v; want %d entries", app, es, err, want)
		}
		if app == 0 && (es[0].Seq != 6 || es[0].Action != "backup.create" || es[5].Seq != 1) {
			t.Errorf("trail: %+v", es)
		}
	}
}

// changeOlder changes records that an older version has stored.
func changeOlder(t *testing.T, r *records.Registry) {
	t.Helper()
	by := account.AuditEntry{Time: time.UnixMilli(1), Action: "app.rename"}
	a, err := r.UpdateApp(t.Context(), 1400000001, func(a account.App) (account.App, error) {
		a.Name = "again"
		return a, nil
	}, by)
	if err != nil || a.Version != 3 {
		t.Errorf("UpdateApp = %+v, %v", a, err)
	}
	if err := r.DeleteToken(t.Context(), "0a0b0c0d", by); err != nil {
		t.Errorf("DeleteToken: %v", err)
	}
	es, err := r.Audit(t.Context(), account.AuditQuery{Limit: 2})
	if err != nil || len(es) != 2 || es[1].Seq <= 6 || es[0].Seq <= es[1].Seq {
		t.Errorf("trail = %+v, %v; want two entries above 6", es, err)
	}
}
