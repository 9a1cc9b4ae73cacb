package upgrade

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/server"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil/pgtest"
)

var (
	writeFlag  = flag.String("write", "", "write the fixture of this release to testdata, for example v0.3.0")
	binaryFlag = flag.String("binary", "", "the program of the release that -write runs")
	diskFlag   = flag.Bool("disk-only", false, "with -write: the program knows no databases")
)

// TestWrite writes a fixture: it runs the program of a release, changes its store through both
// APIs, makes a backup, and kills the program, so that the store has a journal.
func TestWrite(t *testing.T) {
	if *writeFlag == "" {
		t.Skip("no fixture is written without -write")
	}
	dir := filepath.Join("testdata", *writeFlag)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var want expected
	want.Disk = writeDisk(t, dir)
	if !*diskFlag {
		want.Schema = writePostgres(t, dir)
	}
	b, err := json.MarshalIndent(want, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "expected.json"), append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A release is a running program of a release.
type release struct {
	*exec.Cmd
	context *server.Context
	client  *client.Client
	admin   *client.AdminClient
}

// run starts the program on a data directory, and waits until it is ready.
func run(t *testing.T, data string, args ...string) *release {
	t.Helper()
	r := &release{Cmd: exec.Command(*binaryFlag, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, args...)...)}
	r.Stderr = os.Stderr
	out, err := r.StdoutPipe()
	if err == nil {
		err = r.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.kill() })
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "is ready on"); {
	}
	if r.context, err = server.ReadContext(filepath.Join(data, server.ContextFile)); err != nil {
		t.Fatal(err)
	}
	r.client, r.admin = clients(t, r.context)
	return r
}

func (r *release) kill() {
	_ = r.Process.Kill() // an error says that it has ended
	_ = r.Wait()
}

// fill makes the changes that a fixture contains.
func (r *release) fill(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	var list []client.Account
	for i := range accounts {
		list = append(list, client.Account{UserID: userID(i), Nick: fmt.Sprintf("Nick %d 爱丽丝", i), FaceURL: "https://example.com/a.png"})
	}
	_, err := r.client.ImportAll(ctx, list)
	check(t, "import", err)
	_, err = r.client.DeleteAccounts(ctx, []string{userID(deleted)})
	check(t, "delete", err)
	check(t, "kick", r.client.Kick(ctx, userID(kicked)))
	_, err = r.admin.CreateApp(ctx, client.NewApp{SDKAppID: secondApp, Name: "second", Secret: secondKey})
	check(t, "create an app", err)
}

func check(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func writeDisk(t *testing.T, dir string) *disk {
	data, copied := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "copy")
	r := run(t, data)
	r.fill(t)
	_, err := r.admin.Backup(t.Context(), copied)
	check(t, "backup", err)
	check(t, "import after the backup", r.client.ImportAccount(t.Context(), client.Account{UserID: afterBackup}))
	r.kill()
	pack(t, data, filepath.Join(dir, "data.zip"))
	pack(t, copied, filepath.Join(dir, "backup.zip"))
	keys := filepath.Join(data, "seal.keys")
	c, err := open.CheckStore(t.Context(), data, keys)
	check(t, "check the store", err)
	b, err := open.Verify(t.Context(), copied, keys)
	check(t, "verify the backup", err)
	return &disk{Accounts: c.Accounts, Digest: c.Digest, BackupDigest: b.Digest}
}

func writePostgres(t *testing.T, dir string) int64 {
	url, data := pgtest.URL(t), filepath.Join(t.TempDir(), "data")
	out, err := exec.Command(*binaryFlag, "migrate", "--store", url).CombinedOutput()
	check(t, string(out), err)
	r := run(t, data, "--store", url)
	r.fill(t)
	r.kill()
	pack(t, data, filepath.Join(dir, "postgres-data.zip"))
	dump, err := exec.Command("pg_dump", "--inserts", "--no-owner", "--no-privileges", url).Output()
	check(t, "pg_dump", err)
	var packed bytes.Buffer
	sql := gzip.NewWriter(&packed)
	for line := range bytes.Lines(dump) {
		if !bytes.HasPrefix(line, []byte(`\`)) { // a command of psql
			_, err = sql.Write(line)
			check(t, "pack the dump", err)
		}
	}
	check(t, "pack the dump", sql.Close())
	check(t, "write the dump", os.WriteFile(filepath.Join(dir, "postgres.sql.gz"), packed.Bytes(), 0o644))
	_, schema := open.Formats()
	return schema
}

// pack writes the files below dir into a zip.
func pack(t *testing.T, dir, file string) {
	t.Helper()
	f, err := os.Create(file)
	check(t, "pack", err)
	z := zip.NewWriter(f)
	check(t, "pack", z.AddFS(os.DirFS(dir)))
	check(t, "pack", z.Close())
	check(t, "pack", f.Close())
}
