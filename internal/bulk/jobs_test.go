package bulk_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/api"
	"rollcall/internal/bulk"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// A jobBench is a bench whose service runs jobs, in a bubble of time.
type jobBench struct {
	*bench
	files  string // the directory of imports
	cancel context.CancelFunc
	done   chan error
}

// inBubble runs fn with a jobBench. The store is in memory, and outlives restarts.
func inBubble(t *testing.T, fn func(*jobBench)) {
	files, spool := t.TempDir(), filepath.Join(t.TempDir(), "uploads")
	synctest.Test(t, func(t *testing.T) {
		kept := new(mem.Store)
		b := &jobBench{bench: newBench(t, func() account.Engine { return kept }), files: files}
		b.o = bulk.Options{
			ImportDir: files, SpoolDir: spool, MaxUpload: 10_000, Now: time.Now,
			Free: func(string) (uint64, error) { return 10 << 30, nil },
		}
		b.run()
		defer b.end()
		fn(b)
	})
}

// run starts the service anew.
func (b *jobBench) run() {
	b.restart()
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.done = cancel, make(chan error, 1)
	go func(s *bulk.Service, done chan<- error) { done <- s.Run(ctx) }(b.bulk, b.done)
}

func (b *jobBench) end() {
	b.Helper()
	if b.cancel == nil {
		return
	}
	b.cancel()
	b.cancel = nil
	if err := <-b.done; err != nil {
		b.Error(err)
	}
}

func (b *jobBench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.files, name), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

func (b *jobBench) create(key, file string) (*adminapi.Import, error) {
	return b.bulk.Create(b.Context(), bulk.Job{App: appID, Actor: "test", Key: key, ImportJob: records.ImportJob{File: file}})
}

func (b *jobBench) upload(key, text string) (*adminapi.Import, error) {
	return b.uploadOf(key, strings.NewReader(text))
}

func (b *jobBench) uploadOf(key string, body io.Reader) (*adminapi.Import, error) {
	j := bulk.Job{App: appID, Actor: "test", Key: key, ImportJob: records.ImportJob{File: "accounts.csv"}}
	return b.bulk.Upload(b.Context(), j, body, newConn(), nil)
}

// must returns i, whose state must be a certain one.
func (b *jobBench) must(state string) func(*adminapi.Import, error) *adminapi.Import {
	return func(i *adminapi.Import, err error) *adminapi.Import {
		b.Helper()
		if err != nil || i.State != state {
			b.Fatalf("%+v, %v; want the state %s", i, err, state)
		}
		return i
	}
}

// TestJob imports a file of random rows as a job, with restarts in between. The result is
// that of the rows one after the other.
func TestJob(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			var rows []string
			for _, row := range randomRows(rnd, 300) {
				if row != "" && !strings.Contains(row, "\xff") { // an empty line of a file is no row; many bad bytes are another encoding
					rows = append(rows, row)
				}
			}
			model := newBench(t, func() account.Engine { return new(mem.Store) })
			leaveTombstone(model)
			want, rejected := sequential(model, rows)
			inBubble(t, func(b *jobBench) {
				leaveTombstone(b.bench)
				b.write("a.ndjson", strings.Join(rows, "\n"))
				j := bulk.Job{App: appID, Actor: "test", Key: key, ImportJob: records.ImportJob{File: "a.ndjson", Format: "ndjson"}}
				b.end()
				b.must(adminapi.ImportQueued)(b.bulk.Create(b.Context(), j))
				if _, err := b.bulk.SetRate(b.Context(), "test", appID, key, 40); err != nil {
					t.Fatal(err)
				}
				b.run()
				for !b.imp().Ended() {
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
					b.end()
					b.run()
					synctest.Wait()
				}
				checkImport(t, b.bench, b.imp(), &want)
				got := b.rejected(7)
				for i := range got {
					got[i].Line = 0
				}
				if diff := cmp.Diff(rejected, got); diff != "" {
					t.Errorf("rejections (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(accounts(t, model.dir), accounts(t, b.dir)); diff != "" {
					t.Errorf("accounts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestJobQueue pauses, resumes and cancels jobs. One runs at a time, and a paused one keeps
// no other waiting.
func TestJobQueue(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		ctx, rate := b.Context(), int64(10)
		b.write("a.csv", "userid\n"+strings.Repeat("u\n", 100))
		b.end()
		b.must(adminapi.ImportQueued)(b.create("a", "a.csv"))
		b.must(adminapi.ImportQueued)(b.bulk.SetRate(ctx, "test", appID, "a", rate))
		time.Sleep(time.Millisecond) // the oldest one is first
		b.must(adminapi.ImportQueued)(b.create("b", "a.csv"))
		time.Sleep(time.Millisecond)
		b.must(adminapi.ImportQueued)(b.create("c", "a.csv"))
		b.must(adminapi.ImportQueued)(b.bulk.SetRate(ctx, "test", appID, "b", rate))
		b.run()
		time.Sleep(3100 * time.Millisecond)
		synctest.Wait()
		a := b.must(adminapi.ImportRunning)(b.bulk.Import(ctx, appID, "a"))
		if a.Row < 25 || a.Row > 45 || a.RowsPerSecond == 0 || a.Percent == 0 {
			t.Errorf("%+v after three seconds with 10 rows/s", a)
		}
		b.must(adminapi.ImportQueued)(b.bulk.Import(ctx, appID, "b"))
		b.must(adminapi.ImportPaused)(b.bulk.Pause(ctx, "test", appID, "a"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		paused := b.must(adminapi.ImportPaused)(b.bulk.Import(ctx, appID, "a"))
		running := b.must(adminapi.ImportRunning)(b.bulk.Import(ctx, appID, "b"))
		if paused.Row > a.Row+10 || running.Row == 0 {
			t.Errorf("%d rows of the paused job, %d of the next one", paused.Row, running.Row)
		}
		b.must(adminapi.ImportCanceled)(b.bulk.Cancel(ctx, "test", appID, "b"))
		synctest.Wait()
		b.must(adminapi.ImportDone)(b.bulk.Import(ctx, appID, "c"))
		b.must(adminapi.ImportQueued)(b.bulk.Resume(ctx, "test", appID, "a"))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if done := b.must(adminapi.ImportDone)(b.bulk.Import(ctx, appID, "a")); done.Row != 100 || done.Imported != 100 || done.Created != 1 {
			t.Errorf("%+v", done)
		}
		b.must(adminapi.ImportCanceled)(b.bulk.Cancel(ctx, "test", appID, "b"))
		for what, err := range map[string]error{"pause": second(b.bulk.Pause(ctx, "test", appID, "a")), "cancel": second(b.bulk.Cancel(ctx, "test", appID, "a"))} {
			if account.CodeOf(err) != account.Conflict {
				t.Errorf("%s of a job that is done: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestJobFiles refuses files that are not below the directory, and jobs whose file has
// changed or cannot be read.
func TestJobFiles(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("userid\nsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(b *jobBench) {
		if err := os.Symlink(outside, filepath.Join(b.files, "link.csv")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "none.csv", "link.csv", outside, "../secret.csv", ".", strings.Repeat("x", 2000)} {
			_, err := b.create("", name)
			if account.CodeOf(err) != account.BadParameter || account.DetailOf(err) == "" || strings.Contains(account.DetailOf(err), b.files) {
				t.Errorf("%.20q: %v", name, err)
			}
		}
		b.write("bad.csv", "no,header\n")
		i, err := b.create("", "bad.csv")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if i = b.must(adminapi.ImportFailed)(b.bulk.Import(b.Context(), appID, i.Key)); !strings.HasPrefix(i.Error, "bad.csv: ") {
			t.Errorf("the reason is %q", i.Error)
		}
		b.write("good.csv", "userid\nalice\n")
		b.end()
		b.must(adminapi.ImportQueued)(b.create(key, "good.csv"))
		b.must(adminapi.ImportQueued)(b.create(key, "good.csv")) // a repeated call
		if _, err := b.create(key, "bad.csv"); account.CodeOf(err) != account.Conflict {
			t.Errorf("the key of another job: %v", err)
		}
		b.write("good.csv", "userid\nbob22\n")
		b.run()
		synctest.Wait()
		if i := b.must(adminapi.ImportFailed)(b.bulk.Import(b.Context(), appID, key)); !strings.Contains(i.Error, "has changed") {
			t.Errorf("the reason is %q", i.Error)
		}
	})
}

// TestUpload imports an upload, which is removed afterwards, and refuses what is too large
// or broken off.
func TestUpload(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		b.must(adminapi.ImportQueued)(b.upload(key, "userid\nalice\n@bob\n"))
		synctest.Wait()
		i := b.must(adminapi.ImportDone)(b.bulk.Import(b.Context(), appID, key))
		if i.Imported != 1 || i.Failed != 1 || i.File != "accounts.csv" {
			t.Errorf("%+v", i)
		}
		want := []adminapi.ImportRejection{{Row: 2, Line: 3, UserID: "@bob", Code: 70402, Reason: "UserIDs that start with @ or #TOA# are reserved; choose another"}}
		if diff := cmp.Diff(want, b.rejected(10)); diff != "" {
			t.Error(diff)
		}
		b.must(adminapi.ImportDone)(b.upload(key, "not read"))
		if _, err := b.upload("large", strings.Repeat("x", 10_001)); account.CodeOf(err) != account.BatchTooLarge {
			t.Errorf("a large upload: %v", err)
		}
		if _, err := b.uploadOf("cut", cut(rand.New(rand.NewPCG(1, 1)), "userid\nalice\n", 5)); account.CodeOf(err) != account.Malformed {
			t.Errorf("a cut upload: %v", err)
		}
		if _, err := b.upload("../x", ""); account.CodeOf(err) != account.BadParameter {
			t.Errorf("a wrong key: %v", err)
		}
		left, err := os.ReadDir(b.o.SpoolDir)
		if err != nil || len(left) > 0 {
			t.Errorf("%v remain, %v", left, err)
		}
	})
}

// TestUploadEnding shuts the server down during an upload.
func TestUploadEnding(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		r, w := io.Pipe()
		c, ending := newConn(), make(chan struct{})
		go func() {
			_, _ = io.WriteString(w, "userid\nalice\n")
			select {
			case <-c.interrupted:
			case <-time.After(time.Hour):
			}
			_ = w.CloseWithError(os.ErrDeadlineExceeded)
		}()
		go func() {
			time.Sleep(time.Second)
			close(ending)
		}()
		j := bulk.Job{App: appID, Actor: "test", Key: key, ImportJob: records.ImportJob{File: "accounts.csv"}}
		_, err := b.bulk.Upload(b.Context(), j, r, c, ending)
		if account.CodeOf(err) != account.Unavailable || !strings.Contains(account.DetailOf(err), "shuts down") {
			t.Errorf("the error is %v", err)
		}
		left, err := os.ReadDir(b.o.SpoolDir)
		if err != nil || len(left) > 0 {
			t.Errorf("%v remain, %v", left, err)
		}
	})
}

// TestRetention removes imports a week after their end, and at once when their app is reset.
func TestRetention(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		b.must(adminapi.ImportQueued)(b.upload(key, "userid\nalice\n@bob\n"))
		time.Sleep(7*24*time.Hour - time.Hour)
		if len(b.rejected(10)) != 1 {
			t.Error("no rejection after six days")
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		b.gone(key)
		b.must(adminapi.ImportQueued)(b.upload(key, "userid\nalice\n@bob\n"))
		synctest.Wait()
		if _, err := b.dir.Reset(b.Context(), "test", appID); err != nil {
			t.Fatal(err)
		}
		b.gone(key)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		for kind := account.Kind(7); kind <= 9; kind++ {
			page, err := b.engine.Records(b.Context(), account.RecordQuery{Kind: kind, Limit: 10})
			if err != nil || len(page.Records) > 0 {
				t.Errorf("%d records of kind %d remain, %v", len(page.Records), kind, err)
			}
		}
	})
}

func (b *jobBench) gone(key string) {
	b.Helper()
	if i, err := b.bulk.Import(b.Context(), appID, key); account.CodeOf(err) != account.NoImport {
		b.Errorf("%+v, %v", i, err)
	}
}

// A recordless engine returns no records.
type recordless struct{ account.Engine }

func (recordless) Records(context.Context, account.RecordQuery) (account.RecordPage, error) {
	return account.RecordPage{}, errUnavailable
}

func (e recordless) Unwrap() account.Engine { return e.Engine }

// TestOutageWithoutJobs runs a service without a job while the store fails. No line of the log
// may say that an import was interrupted.
func TestOutageWithoutJobs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := &firstLines{n: 2, full: cancel}
	e := recordless{new(mem.Store)}
	s := bulk.New(bulk.Options{
		Records: records.New(e, nil), Reason: api.ImportReason, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Directory: directory.New(directory.Options{Engine: e, Records: records.New(e, nil), Logger: testutil.Logger(t)}),
	})
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if text := log.text.String(); strings.Contains(text, "interrupted") || !strings.Contains(text, "could not look for imports") {
		t.Errorf("the log: %s", text)
	}
}

// firstLines keeps a log, and calls full with its line n.
type firstLines struct {
	text strings.Builder
	n    int
	full func()
}

func (f *firstLines) Write(b []byte) (int, error) {
	if f.n--; f.n == 0 {
		f.full()
	}
	return f.text.Write(b)
}
