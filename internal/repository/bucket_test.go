package repository

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"rollcall/internal/account"
)

// A storage is a server that speaks the protocol of S3 and keeps one bucket in memory.
type storage struct {
	*httptest.Server
	clock  gofakes3.TimeSourceAdvancer
	broken atomic.Bool // every request fails
}

func newStorage(t *testing.T) *storage {
	t.Helper()
	s := &storage{clock: gofakes3.FixedTimeSource(time.Now())}
	backend := s3mem.New(s3mem.WithTimeSource(s.clock))
	if err := backend.CreateBucket("backups"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend, gofakes3.WithTimeSource(s.clock), gofakes3.WithTimeSkewLimit(0)).Server()
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.broken.Load() {
			http.Error(w, "broken", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return s
}

// place returns the place of a repository in the storage.
func (s *storage) place(bucket string) string {
	return "s3://" + bucket + "?region=us-east-1&insecure=true&endpoint=" + strings.TrimPrefix(s.URL, "http://")
}

// TestBucket runs the tests of a directory on buckets with and without a prefix.
func TestBucket(t *testing.T) {
	s := newStorage(t)
	t.Run("backups", func(t *testing.T) { testBackups(t, kitAt(t, s.place("backups/one"))) })
	t.Run("prune", func(t *testing.T) { testPrune(t, kitAt(t, s.place("backups/two/deep"))) })
	t.Run("large", func(t *testing.T) { // sent in several parts
		k := kitAt(t, s.place("backups/large"))
		large := strings.Repeat("0123456789", 4<<20)
		k.write("1.sst", large)
		b := k.create()
		k.sound()
		if k.restored(b.ID)["1.sst"] != large {
			t.Error("the large file is another one")
		}
	})
	t.Run("not empty", func(t *testing.T) {
		k := kitAt(t, s.place("backups"))
		k.write("1.sst", "one")
		if _, err := k.Create(t.Context(), k.source(), nil); err == nil || !strings.Contains(err.Error(), "name an empty place") {
			t.Errorf("Create: %v", err)
		}
	})
	t.Run("damage", func(t *testing.T) {
		k := kitAt(t, s.place("backups/three"))
		k.write("1.sst", "one", "2.sst", "two")
		b := k.create()
		for text, spoil := range map[string]func(name string) error{
			"has another content": func(name string) error { return k.backend.put(t.Context(), name, bytesContent([]byte("ONE"))) },
			"has 2 bytes":         func(name string) error { return k.backend.put(t.Context(), name, bytesContent([]byte("on"))) },
			"is missing":          func(name string) error { return k.backend.remove(t.Context(), name) },
		} {
			if err := spoil(objectName(sumOf([]byte("one")))); err != nil {
				t.Fatal(err)
			}
			r, err := k.Verify(t.Context(), nil, nil)
			if err != nil || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, text) {
				t.Errorf("Verify = %+v, %v, want %q", r, err, text)
			}
			if _, err := k.Restore(t.Context(), b.ID, filepath.Join(t.TempDir(), "x"), nil); err == nil {
				t.Error("Restore restored it")
			}
		}
	})
}

// TestBucketLock takes the lock of a process that runs, and of one that was killed.
func TestBucketLock(t *testing.T) {
	s := newStorage(t)
	k := kitAt(t, s.place("backups"))
	k.write("1.sst", "one")
	k.create()
	if err := k.backend.put(t.Context(), locksPrefix+"OTHEROTHEROTHEROTHEROTHERO", bytesContent([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(t.Context(), k.source(), nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Create under another lock: %v", err)
	}
	if _, err := k.Prune(t.Context(), Keep{Last: 1}, false); !errors.Is(err, ErrLocked) {
		t.Errorf("Prune under another lock: %v", err)
	}
	k.sound() // reads without a lock
	s.clock.Advance(lockTTL)
	k.create()
	if err := k.backend.list(t.Context(), locksPrefix, func(name string, _ int64) error { return errors.New(name) }); err != nil {
		t.Errorf("the lock %v is left", err)
	}
}

// TestBucketFails lets the storage fail in the middle of a backup. The earlier backup
// stays, and the next one succeeds.
func TestBucketFails(t *testing.T) {
	s := newStorage(t)
	k := kitAt(t, s.place("backups"))
	k.write("1.sst", "one")
	k.create()
	k.write("2.sst", "two")
	source := k.source()
	stage := source.Stage
	source.Stage = func(ctx context.Context) (string, *account.Contents, error) {
		s.broken.Store(true)
		return stage(ctx)
	}
	if _, err := k.Create(t.Context(), source, nil); err == nil {
		t.Error("Create succeeded")
	}
	s.broken.Store(false)
	if r := k.sound(); r.Backups != 1 {
		t.Errorf("%d backups, want 1", r.Backups)
	}
	s.clock.Advance(lockTTL) // the lock was not given back
	k.create()
	if r := k.sound(); r.Backups != 2 {
		t.Errorf("%d backups, want 2", r.Backups)
	}
}

func TestPlace(t *testing.T) {
	for text, want := range map[string]string{
		"s3://bucket": "s3://bucket",
		"s3://bucket/a/b/?region=eu-1&endpoint=h:9000": "s3://bucket/a/b?endpoint=h%3A9000&region=eu-1",
		"s3://bucket?endpoint=[::1]:9&insecure=true":   "s3://bucket?endpoint=%5B%3A%3A1%5D%3A9&insecure=true",
		"/var/backups": "/var/backups",
	} {
		p, err := ParsePlace(text)
		if err != nil || p.String() != want {
			t.Errorf("%s: %s, %v", text, p, err)
		}
		if again, err := ParsePlace(p.String()); err != nil || again != p {
			t.Errorf("%s: again %s, %v", text, again, err)
		}
	}
	for text, want := range map[string]string{
		"s3://":                              "no bucket",
		"s3:bucket":                          "a slash is missing",
		"s3://B":                             "the name of the bucket",
		"s3://me:s3cret@bucket":              "a user or a password",
		"s3://bucket/../x":                   "the prefix",
		"s3://bucket/a//b":                   "the prefix",
		"s3://bucket?endpoint=http://h":      "the endpoint",
		"s3://bucket?endpoint=":              "the endpoint",
		"s3://bucket?insecure=maybe":         "neither true nor false",
		"s3://bucket?insecure=true":          "has no endpoint",
		"s3://bucket?secret=s3cret":          `the parameter "secret"`,
		"s3://bucket?region=%0a":             "the region",
		"postgres://me:s3cret@db/x":          `begins with "postgres://"`,
		"s3://bucket?endpoint=h:1\x7fs3cret": "is no URL",
	} {
		if _, err := ParsePlace(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if _, err := Prepare("s3://bucket", Options{}); err == nil || !strings.Contains(err.Error(), "there are no credentials") {
		t.Errorf("without credentials: %v", err)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	if _, err := Prepare("s3://bucket", Options{CredentialsFile: file}); err == nil || !strings.Contains(err.Error(), "there is no file of credentials") {
		t.Errorf("without the file: %v", err)
	}
	for text, ok := range map[string]bool{
		"":                                   false,
		"[default]\naws_access_key_id = a\n": false,
		"[default]\naws_access_key_id = a\naws_secret_access_key = b\n": true,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Prepare("s3://bucket", Options{CredentialsFile: file}); ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "has no credentials") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), "s3://bucket?endpoint=127.0.0.1:1&insecure=true", Options{CredentialsFile: file})
	if err == nil || !strings.Contains(err.Error(), "refused; correct the endpoint, or start the storage") {
		t.Errorf("a storage that does not answer: %v", err)
	}
}

// TestForeignLocks names a bucket of somebody else as the place of backups. Nothing is removed
// from it, not even old objects in the place of our locks.
func TestForeignLocks(t *testing.T) {
	s := newStorage(t)
	k := kitAt(t, s.place("backups"))
	k.write("1.sst", "one")
	name := locksPrefix + "of the front door"
	if err := k.backend.put(t.Context(), name, bytesContent([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(2 * lockTTL)
	if _, err := k.Create(t.Context(), k.source(), nil); err == nil || !strings.Contains(err.Error(), "name an empty place") {
		t.Errorf("Create: %v", err)
	}
	if _, err := k.read(t.Context(), name, 1); err != nil {
		t.Errorf("the object is gone: %v", err)
	}
}
