// Package upgrade checks that this program opens the data of every release before it. Each
// directory of testdata has a small store on disk, a backup and a database that the program
// of the release itself has written. docs/upgrading.md lists the releases.
//
// To add a release, build its program and run
//
//	go test ./internal/upgrade -run TestWrite -write v0.4.0 -binary /path/of/rollcall
package upgrade

import (
	"archive/zip"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rollcall/client"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
)

// What each fixture contains.
const (
	accounts    = 250 // imported, of which one is deleted
	deleted     = 7
	kicked      = 8
	afterBackup = "after-the-backup"
	secondApp   = 1400000099
	secondKey   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func userID(i int) string { return fmt.Sprintf("user-%04d", i) }

// An expected is the file expected.json of a fixture.
type expected struct {
	Disk   *disk `json:"disk"`
	Schema int64 `json:"schema,omitempty"` // of the database; 0 without one
}

type disk struct {
	Accounts     int64  `json:"accounts"` // of all apps
	Digest       string `json:"digest"`
	BackupDigest string `json:"backup_digest"`
}

// TestMain ends the databases of the tests.
func TestMain(m *testing.M) { pgtest.Main(m) }

// fixtures returns the names of the fixtures.
func fixtures(t *testing.T) (names []string) {
	t.Helper()
	all, err := filepath.Glob("testdata/*/expected.json")
	if err != nil || len(all) == 0 {
		t.Fatalf("fixtures: %q, %v", all, err)
	}
	for _, file := range all {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names
}

func read(t *testing.T, name string) (want expected) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name, "expected.json"))
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// unpack returns a new directory with the files of a zip.
func unpack(t *testing.T, name, file string) string {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("testdata", name, file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func clients(t *testing.T, c *server.Context) (*client.Client, *client.AdminClient) {
	t.Helper()
	one, err := client.New(client.Options{BaseURL: c.URL, SDKAppID: c.SDKAppID, Key: c.Key})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := client.NewAdmin(client.AdminOptions{BaseURL: c.URL, Token: c.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	return one, admin
}

// serve runs this program's server on a data directory, and calls fn with clients of it. The
// clients have the key and the token of the release.
func serve(t *testing.T, data, store string, fn func(*client.Client, *client.AdminClient)) {
	t.Helper()
	of, err := server.ReadContext(filepath.Join(data, server.ContextFile))
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, of.Key, of.AdminToken)
	cfg, err := config.New(config.Config{Data: data, Store: store, Listen: "127.0.0.1:0", Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(t.Context(), server.Options{Config: cfg, Logger: testutil.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	of.URL = s.Context().URL
	one, admin := clients(t, of)
	fn(one, admin)
	one.CloseIdleConnections()
	admin.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// inspect checks that everything of a fixture is there, and makes a change.
func inspect(t *testing.T, one *client.Client, admin *client.AdminClient, after bool) {
	t.Helper()
	ids := []string{afterBackup}
	for i := range 90 {
		ids = append(ids, userID(i))
	}
	got, err := one.CheckAccounts(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		want := i > 0 && ids[i] != userID(deleted) || i == 0 && after
		if r.Code != 0 || r.Imported != want {
			t.Errorf("%s: %+v, want imported = %v", ids[i], r, want)
		}
	}
	profiles, err := one.GetProfile(t.Context(), []string{userID(3)}, client.TagNick)
	if err != nil || len(profiles) != 1 || !strings.Contains(fmt.Sprint(profiles), "Nick 3 爱丽丝") {
		t.Errorf("profile %+v, %v", profiles, err)
	}
	apps := 0
	for app, err := range admin.Apps(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if apps++; app.SDKAppID == secondApp && app.Name != "second" {
			t.Errorf("app %+v", app)
		}
	}
	if apps != 2 {
		t.Errorf("%d apps, want 2", apps)
	}
	if err := one.ImportAccount(t.Context(), client.Account{UserID: "new"}); err != nil {
		t.Errorf("import: %v", err)
	}
}

// TestDisk checks and opens the store of each release, twice.
func TestDisk(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			want := read(t, name).Disk
			data := unpack(t, name, "data.zip")
			c, err := open.CheckStore(t.Context(), data, filepath.Join(data, "seal.keys"))
			if err != nil || c.Accounts != want.Accounts || c.Digest != want.Digest {
				t.Errorf("CheckStore = %+v, %v, want %+v", c, err, want)
			}
			for range 2 {
				serve(t, data, "", func(one *client.Client, admin *client.AdminClient) { inspect(t, one, admin, true) })
			}
			c, err = open.CheckStore(t.Context(), data, filepath.Join(data, "seal.keys"))
			if err != nil || c.Accounts != want.Accounts+1 {
				t.Errorf("after the starts: %+v, %v, want one more than %+v", c, err, want)
			}
		})
	}
}

// TestBackup verifies the backup of each release, and starts a server on it.
func TestBackup(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			data, copied := unpack(t, name, "data.zip"), unpack(t, name, "backup.zip")
			keys := filepath.Join(data, "seal.keys")
			c, err := open.Verify(t.Context(), copied, keys)
			if want := read(t, name).Disk; err != nil || c.Digest != want.BackupDigest {
				t.Fatalf("Verify = %+v, %v, want %+v", c, err, want)
			}
			for _, file := range []string{"seal.keys", server.ContextFile} {
				b, err := os.ReadFile(filepath.Join(data, file))
				if err == nil {
					err = os.WriteFile(filepath.Join(copied, file), b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			serve(t, copied, "", func(one *client.Client, admin *client.AdminClient) { inspect(t, one, admin, false) })
		})
	}
}

// TestPostgres loads the database of each release, migrates it, and serves it.
func TestPostgres(t *testing.T) {
	for _, name := range fixtures(t) {
		if read(t, name).Schema == 0 {
			continue // it knew no databases
		}
		t.Run(name, func(t *testing.T) {
			sql := readDump(t, filepath.Join("testdata", name, "postgres.sql.gz"))
			url := pgtest.URL(t)
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
			if err := errors.Join(err, conn.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			data := unpack(t, name, "postgres-data.zip")
			for range 2 {
				serve(t, data, url, func(one *client.Client, admin *client.AdminClient) { inspect(t, one, admin, false) })
			}
		})
	}
}

// readDump returns the statements of a database.
func readDump(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	sql, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(sql)
}

// releaseRow matches a row of the table of releases: name, format, schema, form of a backup.
var releaseRow = regexp.MustCompile(`(?m)^\| (v[0-9.]+|format [0-9]+) \| ([0-9]+) \| ([0-9]+|none) \| ([0-9]+) \|`)

// TestTable checks the table of docs/upgrading.md: each release has a fixture, and the last
// one writes the formats of this program.
func TestTable(t *testing.T) {
	for _, file := range []string{"upgrading.md", "upgrading.zh-CN.md"} {
		b, err := os.ReadFile(filepath.Join("../../docs", file))
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		rows := releaseRow.FindAllStringSubmatch(string(b), -1)
		for _, row := range rows {
			listed[strings.ReplaceAll(row[1], " ", "")] = true
		}
		if got, want := slices.Sorted(maps.Keys(listed)), fixtures(t); !slices.Equal(got, want) {
			t.Errorf("%s lists %q, and the fixtures are %q", file, got, want)
		}
		store, schema := open.Formats()
		if last := rows[len(rows)-1]; last[2] != strconv.Itoa(store) || last[3] != strconv.FormatInt(schema, 10) {
			t.Errorf("%s: the last release writes %q, and this program writes %d and %d: add a row and a fixture", file, last[2:], store, schema)
		}
	}
}

// TestNewer gives this program data of a newer version, which it refuses with a sentence.
func TestNewer(t *testing.T) {
	name := fixtures(t)[len(fixtures(t))-1]
	data, copied := unpack(t, name, "data.zip"), unpack(t, name, "backup.zip")
	replace(t, filepath.Join(copied, "backup.json"), `"version": 1`, `"version": 2`)
	if _, err := open.Verify(t.Context(), copied, filepath.Join(data, "seal.keys")); err == nil || !strings.Contains(err.Error(), "or of a newer version") {
		t.Errorf("backup: %v", err)
	}
	if err := os.WriteFile(filepath.Join(data, "accounts", "marker.format-version.000099.999"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.New(config.Config{Data: data, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Open(t.Context(), server.Options{Config: cfg, Logger: testutil.Logger(t)}); err == nil || !strings.Contains(err.Error(), "was written by a newer version") {
		t.Errorf("store: %v", err)
	}
}

// replace replaces a text that a file must contain.
func replace(t *testing.T, file, before, after string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), before) {
		t.Fatalf("no %s in %s", before, file)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
