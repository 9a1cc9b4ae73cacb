package pebble

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/catalog"
)

// Kinds of the records that convert returns.
const (
	kindApp account.Kind = 1 + iota
	kindToken
	kindTokenID
	kindAudit
	kindAuditOfApp
)

// convert is the [catalog.Converter] of the tests. It leaves values as they are.
func convert(letter byte, value []byte) ([]account.Write, error) {
	w := account.Write{Value: value, If: account.AnyVersion}
	var older struct {
		App  account.AppID `json:"sdkappid"`
		Hash string        `json:"hash"`
		ID   string        `json:"id"`
	}
	if err := json.Unmarshal(value, &older); err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%010d", older.App)
	switch letter {
	case 'p':
		w.Kind, w.Key = kindApp, key
	case 'k':
		w.Kind, w.Key = kindToken, older.Hash
		return []account.Write{w, {Kind: kindTokenID, Key: older.ID, Value: []byte(older.Hash), If: account.AnyVersion}}, nil
	case 'w':
		w.Kind, w.Append = kindAudit, true
		if older.App != 0 {
			return []account.Write{w, {Kind: kindAuditOfApp, Key: key + "/", Value: value, Append: true}}, nil
		}
	}
	return []account.Write{w}, nil
}

// makeOlder converts a store to the older format n. It leaves records as they are.
func makeOlder(t *testing.T, s *Store, n int) {
	t.Helper()
	b := s.db.NewBatch()
	if n < format {
		for app, admins := range s.commits.group.spaces {
			value, err := json.Marshal(map[string]any{"sdkappid": app, "admins": admins})
			must(t, err)
			must(t, b.Set(binary.BigEndian.AppendUint32([]byte("p/"), uint32(app)), value, nil))
			must(t, catalog.DropSpace(b, app))
		}
		must(t, b.Delete([]byte("m/commits"), nil))
	}
	must(t, b.Set(formatKey, []byte(strconv.Itoa(n)), nil))
	must(t, b.Commit(pebble.Sync))
}

// format4 returns the files that a killed server of format 4 has left behind; see
// testdata/README.md.
func format4(t *testing.T) image {
	t.Helper()
	z, err := zip.OpenReader("testdata/format4.zip")
	must(t, err)
	defer func() { _ = z.Close() }()
	im := image{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		b, err := io.ReadAll(r)
		must(t, errors.Join(err, r.Close()))
		im[f.Name] = b
	}
	return im
}

// checkConverted checks that s contains the data of format4. changed is the number of the
// commit that converted it.
func checkConverted(t *testing.T, s *Store, changed uint64) {
	t.Helper()
	trail := []string{"app.create", "app.create", "app.rename", "app.delete", "token.create", "backup.create"}
	for i, action := range trail {
		seq := uint64(i + 1)
		r, err := s.Record(t.Context(), kindAudit, account.AppendedKey("", seq))
		if err != nil || r.Version != seq || !strings.Contains(string(r.Value), `"`+action+`"`) {
			t.Errorf("entry %d: %s version %d, %v", seq, r.Value, r.Version, err)
		}
	}
	for prefix, want := range map[string]int{"1400000001/": 2, "1400000002/": 2, "": 4} {
		page, err := s.Records(t.Context(), account.RecordQuery{Kind: kindAuditOfApp, Prefix: prefix, Limit: 10})
		if err != nil || len(page.Records) != want {
			t.Errorf("trail of the app %q: %d entries, %v; want %d", prefix, len(page.Records), err, want)
		}
	}
	page, err := s.Records(t.Context(), account.RecordQuery{Kind: kindApp, Limit: 10})
	if err != nil || len(page.Records) != 1 || page.Records[0].Key != "1400000001" || page.Records[0].Version != changed {
		t.Fatalf("apps: %+v, %v", page, err)
	}
	for _, part := range []string{`"renamed"`, `"secret of format 4"`, `"version":2`, `"坏"`} {
		if !strings.Contains(string(page.Records[0].Value), part) {
			t.Errorf("the app has no %s: %s", part, page.Records[0].Value)
		}
	}
	hash, _ := account.HashToken("rct_of_format_4").MarshalText()
	if r, err := s.Record(t.Context(), kindToken, string(hash)); err != nil || !strings.Contains(string(r.Value), `"console"`) {
		t.Errorf("token: %s, %v", r.Value, err)
	}
	if r, err := s.Record(t.Context(), kindTokenID, "0a0b0c0d"); err != nil || string(r.Value) != string(hash) {
		t.Errorf("id of the token: %s, %v", r.Value, err)
	}
	got, err := s.Lookup(t.Context(), app, []account.UserID{"alice", "bob", "carol", "dave", "boss", "administrator"})
	must(t, err)
	for i, live := range []bool{true, true, false, true, true, true} {
		if (got[i].InternalID != 0) != live {
			t.Errorf("account %+v, want it live: %v", got[i], live)
		}
	}
	if got[0].Nick != "Alice" || got[1].Kicked != 77 {
		t.Errorf("accounts %+v", got[:2])
	}
}

// converting is the number of the commit that converts format4.
const converting = 7

// TestTakeOver opens a store of format 4, first read-only and then twice for writing.
func TestTakeOver(t *testing.T) {
	disk := format4(t).disk(t)
	before := imageOf(t, disk, "data")
	o := Options{Dir: "data", FS: disk, Convert: convert}
	contents := account.Contents{Accounts: 5, Tombstones: 1, Records: map[account.Kind]int64{kindApp: 1, kindToken: 1, kindTokenID: 1, kindAudit: 6, kindAuditOfApp: 4}}
	c, err := Verify(t.Context(), o, func(e account.Engine) error { checkConverted(t, e.(*Store), converting); return nil })
	must(t, err)
	c.Digest = ""
	if !reflect.DeepEqual(*c, contents) {
		t.Errorf("before: %+v, want %+v", c, contents)
	}
	if !reflect.DeepEqual(imageOf(t, disk, "data"), before) {
		t.Error("Verify changed the store")
	}
	for _, when := range []string{"at the first start", "at the second start"} {
		s := openBare(t, Options{FS: disk})
		t.Log(when)
		checkConverted(t, s, converting)
		cs, err := s.Delete(t.Context(), app, []account.UserID{"boss", "nobody"}, changing)
		if err != nil || cs[0] != account.AdminProtected {
			t.Errorf("deletion of an admin: %v, %v", cs, err)
		}
		if n := s.commits.group.number; n != converting {
			t.Errorf("the newest commit is %d, want %d", n, converting)
		}
		for _, space := range []byte("kpw") {
			lower, upper := spaceBounds(space)
			must(t, iterate(s.db, lower, upper, func(it *pebble.Iterator) error {
				if it.First() {
					t.Errorf("the key %q is left", it.Key())
				}
				return nil
			}))
		}
		must(t, s.Close())
	}
	c, err = Verify(t.Context(), o, nil)
	must(t, err)
	c.Digest = ""
	if !reflect.DeepEqual(*c, contents) {
		t.Errorf("after: %+v, want %+v", c, contents)
	}
}

// TestTakeOverRefused checks that Open does not change a store that it cannot convert.
func TestTakeOverRefused(t *testing.T) {
	disk := format4(t).disk(t)
	broken := errors.New("broken")
	for name, o := range map[string]Options{
		"no conversion":        {},
		"a conversion's error": {Convert: func(byte, []byte) ([]account.Write, error) { return nil, broken }},
	} {
		o.Dir, o.FS = "data", disk
		if s, err := Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened %v", name, s)
		}
	}
	s := openBare(t, Options{FS: disk})
	checkConverted(t, s, converting)
	must(t, s.Close())
}

// TestShotsOfConversion takes shots at each write of the start that converts format 4.
func TestShotsOfConversion(t *testing.T) {
	mem := killed(format4(t).disk(t))
	c, disk := newCamera(&crashDisk{FS: mem, mem: mem}, 6, 100)
	s := openBare(t, Options{FS: disk})
	checkConverted(t, s, converting)
	must(t, s.Close())
	c.stop()
	older := 0
	for _, shot := range c.shots {
		if format := formatOn(t, shot.disk); format == 4 {
			older++
		}
		s := openBare(t, Options{FS: shot.disk})
		checkConverted(t, s, converting)
		must(t, s.Close())
	}
	if older == 0 || older == len(c.shots) {
		t.Errorf("%d of %d shots have format 4, want some but not all", older, len(c.shots))
	}
}

// formatOn returns the format of the store on a disk, without changing the store.
func formatOn(t *testing.T, disk vfs.FS) int {
	t.Helper()
	o := Options{Dir: "data", FS: disk, Convert: convert}
	s, err := OpenReadOnly(t.Context(), o)
	must(t, err)
	n, err := formatOf(s.db)
	must(t, errors.Join(err, s.Close()))
	return n
}
