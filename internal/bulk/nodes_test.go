package bulk_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// inTwoNodes runs fn with two nodes on one store, each with directories of its own.
func inTwoNodes(t *testing.T, fn func(a, b *jobBench)) {
	files, spool := t.TempDir(), filepath.Join(t.TempDir(), "uploads")
	inBubble(t, func(a *jobBench) {
		a.end()
		a.o.Shared, a.o.Node = true, "a"
		a.run()
		b := &jobBench{bench: new(*a.bench), files: files}
		b.o.Node, b.o.ImportDir, b.o.SpoolDir = "b", files, spool
		b.run()
		defer b.end()
		fn(a, b)
	})
}

// TestJobsOfNodes creates jobs at one node while that stands still. The other one leaves them
// alone, unless it has the same file.
func TestJobsOfNodes(t *testing.T) {
	inTwoNodes(t, func(a, b *jobBench) {
		const rows = "userid\nalice\nbob\n"
		a.write("mine.csv", rows)
		a.write("both.csv", rows)
		info, err := os.Stat(filepath.Join(a.files, "both.csv"))
		if err != nil {
			t.Fatal(err)
		}
		b.write("both.csv", rows)
		if err := os.Chtimes(filepath.Join(b.files, "both.csv"), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		b.write("mine.csv", "userid\nmallory\n") // another file of the same name
		a.end()
		for _, file := range []string{"mine.csv", "both.csv"} {
			if i := a.must(adminapi.ImportQueued)(a.create(strings.TrimSuffix(file, ".csv"), file)); i.Node != "a" {
				t.Errorf("%s: node %q", file, i.Node)
			}
		}
		a.must(adminapi.ImportQueued)(a.upload("upload", rows))
		time.Sleep(time.Minute) // b looks for jobs
		for key, want := range map[string]string{"mine": adminapi.ImportQueued, "both": adminapi.ImportDone, "upload": adminapi.ImportQueued} {
			b.must(want)(b.bulk.Import(b.Context(), appID, key))
		}
		a.run()
		time.Sleep(time.Minute)
		for _, key := range []string{"mine", "upload"} {
			if i := b.must(adminapi.ImportDone)(b.bulk.Import(b.Context(), appID, key)); i.Imported != 2 {
				t.Errorf("%s: %+v", key, i)
			}
		}
	})
}

// TestMissingFile removes the file of a job. Only the node of the job fails it.
func TestMissingFile(t *testing.T) {
	inTwoNodes(t, func(a, b *jobBench) {
		a.end()
		a.write("a.csv", "userid\nalice\n")
		a.must(adminapi.ImportQueued)(a.create(key, "a.csv"))
		if err := os.Remove(filepath.Join(a.files, "a.csv")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		b.must(adminapi.ImportQueued)(b.bulk.Import(b.Context(), appID, key))
		a.run()
		synctest.Wait()
		b.must(adminapi.ImportFailed)(b.bulk.Import(b.Context(), appID, key))
	})
}

// TestCancelAtOtherNode cancels an upload at the node that does not have its file. The other
// one removes the file.
func TestCancelAtOtherNode(t *testing.T) {
	inTwoNodes(t, func(a, b *jobBench) {
		a.end()
		a.must(adminapi.ImportQueued)(a.upload(key, "userid\nalice\n"))
		files, err := os.ReadDir(a.o.SpoolDir)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		if err := os.Chtimes(filepath.Join(a.o.SpoolDir, files[0].Name()), time.Now(), time.Now()); err != nil { // the time of the bubble
			t.Fatal(err)
		}
		b.must(adminapi.ImportCanceled)(b.bulk.Cancel(b.Context(), "test", appID, key))
		time.Sleep(2 * time.Hour)
		a.run()
		synctest.Wait()
		if left, err := os.ReadDir(a.o.SpoolDir); err != nil || len(left) > 0 {
			t.Errorf("%v remain, %v", left, err)
		}
	})
}

// An awayEngine refuses imports of accounts while it is away, as a database does in a
// failover.
type awayEngine struct {
	account.Engine
	away *atomic.Bool
}

func (e awayEngine) Unwrap() account.Engine { return e.Engine }

func (e awayEngine) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	if e.away.Load() {
		return nil, errUnavailable
	}
	return e.Engine.Upsert(ctx, app, items, p)
}

// TestLeaseOfFailover lets one node wait for accounts of the store for longer than a lease.
// It keeps the import.
func TestLeaseOfFailover(t *testing.T) {
	inTwoNodes(t, func(a, b *jobBench) {
		var away atomic.Bool
		a.end()
		a.wrap = func(e account.Engine) account.Engine { return awayEngine{e, &away} }
		a.run()
		away.Store(true)
		s := a.send(1, nil)
		s.write(1, 10)
		time.Sleep(45 * time.Second)
		if _, err := b.stream(1, strings.NewReader("")); account.CodeOf(err) != account.Conflict {
			t.Errorf("a stream at the other node: %v", err)
		}
		away.Store(false)
		time.Sleep(5 * time.Second)
		if row := a.imp().Row; row != 10 {
			t.Errorf("row %d, want 10", row)
		}
		_ = s.w.Close()
		<-s.done
	})
}
