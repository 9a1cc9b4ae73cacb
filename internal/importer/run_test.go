package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"rollcall/client"
	"rollcall/internal/progress"
	"rollcall/internal/source"
	"rollcall/rollcalltest"
)

// ways are both ways of a run.
var ways = []Way{ByWire, ByStream}

// newJob returns a job by a way through f.
func newJob(t *testing.T, srv *rollcalltest.Server, f *front, way Way, file string) *Job {
	t.Helper()
	w := wireOf(t, srv, f.URL, 4)
	w.Left = left(srv, 1_000_000)
	j := jobOf(srv, w, file)
	j.Way, j.Stream = way, streamOf(t, srv, f.URL)
	return j
}

// TestStop stops runs at random rows, again and again. Each tells how far it is, and the next
// one goes on from there.
func TestStop(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	shared := rollcalltest.NewServer(t)
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			srv := shared.NewApp(t)
			f := newFront(t, srv, false)
			all := lines(rng, 20_000, 10_000)
			file := write(t, "users.csv", table(all))
			stops := 0
			for {
				j := newJob(t, srv, f, way, file)
				ctx, cancel := context.WithCancelCause(t.Context())
				interrupt := errors.New("interrupt")
				if stops < 8 {
					time.AfterFunc(time.Duration(rng.IntN(100))*time.Millisecond, func() { cancel(interrupt) })
				}
				s, err := j.Run(ctx)
				cancel(nil)
				if err == nil {
					checkRun(t, srv, j, s, all, -1)
					t.Logf("%d stops", stops)
					return
				}
				if e, ok := errors.AsType[*StoppedError](err); !ok || !errors.Is(e, interrupt) || s.State != Interrupted {
					t.Fatalf("%v, %+v", err, s)
				}
				if s.Done+s.Rejected != s.Row {
					t.Errorf("%+v", s)
				}
				stops++
			}
		})
	}
}

// TestRefused goes on with another file, target or options than before. That is refused, and
// nothing changes.
func TestRefused(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	file := write(t, "users.csv", table(lines(rand.New(rand.NewPCG(1, 1)), 5000, 5000)))
	interrupted := func(t *testing.T) *Job {
		t.Helper()
		j := newJob(t, srv, f, ByWire, file)
		j.Restart = true
		ctx, cancel := context.WithCancel(t.Context())
		j.Rejected = func(Rejection) { cancel() }
		if _, err := j.Run(ctx); err == nil {
			t.Fatal("the run was not interrupted")
		}
		j.Restart, j.Rejected = false, nil
		return j
	}
	touch := func(name string) {
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Job)
		want   string
	}{
		{"target", func(j *Job) { j.Target = "http://other" }, "is of the target"},
		{"app", func(j *Job) { j.App++ }, "is of the app"},
		{"operation", func(j *Job) { j.Operation = Delete }, "is of another operation (import)"},
		{"way", func(j *Job) { j.Way = ByStream }, "is of a run by wire, not by stream: give --via wire"},
		{"options", func(j *Job) { j.Source.Ignore = []string{"x"} }, "the options that say what the files are differ"},
		{"files", func(j *Job) { j.Files = append(j.Files, write(t, "b.csv", []byte("userid\n"))) }, "b.csv is new: name the same files"},
		{"other file", func(j *Job) { j.Files = []string{write(t, "b.csv", []byte("userid\n"))} }, "name the same files in the same order"},
		{"changed file", func(j *Job) { touch(file) }, "has changed since row"},
		{"changed rejects", func(j *Job) {
			appendTo(t, strings.TrimSuffix(file, ".csv")+".rejects.csv", "mended,x,2,y\n")
		}, "has changed since the run before"},
		{"mended rejects", func(j *Job) {
			name := strings.TrimSuffix(file, ".csv") + ".rejects.csv"
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := readDocument(j.Journal)
			if err != nil {
				t.Fatal(err)
			}
			d.State = Running // as if the run was killed
			if err := errors.Join(d.write(j.Journal), os.WriteFile(name, bytes.Replace(b, []byte("user-"), []byte("mended-user-"), 1), 0o600)); err != nil {
				t.Fatal(err)
			}
		}, "has changed since the run before"},
		{"other rejects", func(j *Job) { j.Rejects = "other.csv" }, "the rejects file of the run before is"},
		{"lost list", func(j *Job) { _ = os.Remove(rowsName(j.Journal)) }, "is shorter than it was"},
		{"damaged journal", func(j *Job) { _ = os.WriteFile(j.Journal, []byte("{"), 0o600) }, "is no journal"},
		{"newer journal", func(j *Job) { _ = os.WriteFile(j.Journal, []byte(`{"version":2}`), 0o600) }, "is of another version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := interrupted(t)
			tt.change(j)
			_, err := j.Run(t.Context())
			if e, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			_ = os.Remove(strings.TrimSuffix(file, ".csv") + ".rejects.csv")
		})
	}
}

// TestRestartKeepsFiles restarts a run whose journal has the name of a file that is none. The
// file stays as it is.
func TestRestartKeepsFiles(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	j := newJob(t, srv, newFront(t, srv, false), ByWire, write(t, "users.csv", []byte("userid\na\n")))
	for _, text := range []string{"userid\na\n", "", `{"key":"x"}`} {
		if err := os.WriteFile(j.Files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		j.Journal, j.Restart = j.Files[0], true
		_, err := j.Run(t.Context())
		if e, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(e.Error(), "is no journal") {
			t.Errorf("error %v", err)
		}
		if b, err := os.ReadFile(j.Journal); err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
	}
	if err := os.WriteFile(j.Journal, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	j.Files = []string{write(t, "users.csv", []byte("userid\na\n"))}
	if s, err := j.Run(t.Context()); err != nil || s.Done != 1 {
		t.Errorf("over a journal of another version: %+v, %v", s, err)
	}
}

// TestServerForgets goes on with a stream whose rows the server has lost. That is refused,
// because nobody else would notice that they are missing.
func TestServerForgets(t *testing.T) {
	shared := rollcalltest.NewServer(t)
	for _, tt := range []struct {
		name, want string
		lose       func(*testing.T, *rollcalltest.Server, *Job)
	}{
		{"all of it", "does not know the import", func(t *testing.T, srv *rollcalltest.Server, j *Job) {
			if _, err := srv.AdminClient.ResetApp(t.Context(), srv.SDKAppID); err != nil {
				t.Fatal(err)
			}
		}},
		{"the last rows", "has lost the rows after", func(t *testing.T, srv *rollcalltest.Server, j *Job) {
			d, err := readDocument(j.Journal)
			if err != nil {
				t.Fatal(err)
			}
			d.Row = 99_999 // as if a backup from before them was restored
			if err := d.write(j.Journal); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := shared.NewApp(t)
			all := lines(rand.New(rand.NewPCG(1, 1)), 100_000, 100_000)
			j := newJob(t, srv, newFront(t, srv, false), ByStream, write(t, "users.csv", table(all)))
			ctx, cancel := context.WithCancel(t.Context())
			j.Rejected = func(Rejection) { cancel() }
			if _, err := j.Run(ctx); err == nil {
				t.Fatal("the run was not interrupted")
			}
			j.Rejected = nil
			tt.lose(t, srv, j)
			_, err := j.Run(t.Context())
			if e, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestBusy streams to a server that answers, but takes no streams. The run gives up in the
// end, and does not call it all the time.
func TestBusy(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	f.busy.Store(true)
	j := newJob(t, srv, f, ByStream, write(t, "users.csv", []byte("userid\na\n")))
	j.Wait = 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only limits a hang
	defer cancel()
	_, err := j.Run(ctx)
	if p, ok := errors.AsType[*client.TransportError](err); !ok || p.Status != http.StatusServiceUnavailable {
		t.Errorf("error %v", err)
	}
	if n := f.calls.Load(); n > 60 {
		t.Errorf("%d calls", n)
	}
}

// TestNextPoll expects short pauses while the server waits for rows, and long ones otherwise.
func TestNextPoll(t *testing.T) {
	every := pollMost
	for range 5 {
		every = nextPoll(every, true)
	}
	if every != pollLeast {
		t.Errorf("%v with a server that waits", every)
	}
	for range 25 {
		every = nextPoll(every, false)
	}
	if every != pollMost {
		t.Errorf("%v with one that does not", every)
	}
}

// TestNeverBegun lets a run fail before its first row. Its journal binds nobody.
func TestNeverBegun(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	all := lines(rand.New(rand.NewPCG(1, 1)), 100, 100)
	j := newJob(t, srv, f, ByStream, write(t, "users.csv", table(all)))
	j.Stream = streamOf(t, &rollcalltest.Server{AdminToken: "rct_none"}, f.URL)
	if _, err := j.Run(t.Context()); err == nil {
		t.Fatal("a run without a token")
	}
	j.Way = ByWire
	s, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkRun(t, srv, j, s, all, -1)
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// TestLock runs a job beside another one with the same journal.
func TestLock(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	j := newJob(t, srv, f, ByWire, write(t, "users.csv", []byte("userid\n@a\n")))
	j.Rejected = func(Rejection) {
		other := *j
		other.Rejected = nil
		_, err := other.Run(t.Context())
		if _, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(err.Error(), "another run with the journal") {
			t.Errorf("the second run: %v", err)
		}
	}
	if _, err := j.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(j.Journal + ".lock"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestAway lets the server be away for a while, and for good.
func TestAway(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			app := srv.NewApp(t)
			f := newFront(t, app, false)
			all := lines(rng, 2000, 2000)
			j := newJob(t, app, f, way, write(t, "users.csv", table(all)))
			f.down.Store(true)
			time.AfterFunc(300*time.Millisecond, func() { f.down.Store(false) })
			s, err := j.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkRun(t, app, j, s, all, -1)

			f.down.Store(true)
			j = newJob(t, app, f, way, write(t, "users.csv", table(all)))
			j.Wait = 200 * time.Millisecond
			_, err = j.Run(t.Context())
			if _, ok := errors.AsType[*client.TransportError](err); !ok {
				t.Errorf("error %v, want that of the connection", err)
			}
			f.down.Store(false)
			j.Wait = time.Minute
			if s, err = j.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s.State != Complete || s.Row != int64(len(all)) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestFull lets a server answer and take no rows, for a while and for good.
func TestFull(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	all := lines(rand.New(rand.NewPCG(1, 1)), 2000, 2000)
	j := newJob(t, srv, f, ByStream, write(t, "users.csv", table(all)))
	f.full.Store(true)
	j.Wait = 200 * time.Millisecond
	_, err := j.Run(t.Context())
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Detail != "the disk is full" {
		t.Fatalf("error %v, want that of the server", err)
	}
	j.Wait = time.Minute
	time.AfterFunc(300*time.Millisecond, func() { f.full.Store(false) })
	s, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkRun(t, srv, j, s, all, -1)
}

// TestAwayText says why a run waits.
func TestAwayText(t *testing.T) {
	for _, tt := range []struct {
		err  error
		wait time.Duration
		want string
	}{
		{&client.TransportError{Op: "x", Err: errors.New("connection refused")}, time.Hour, "the target is away for 12s, waiting up to 1h: connection refused"},
		{&client.Problem{Op: "x", Status: 500, Detail: "the disk is full", RequestID: "R"}, 90 * time.Minute, "the target fails for 12s, waiting up to 1h30m: the disk is full"},
		{&client.Problem{Op: "x", Status: 500, Title: "An error."}, 10 * time.Second, "the target fails for 12s, waiting up to 10s: An error."},
	} {
		if text := awayText(tt.err, time.Now().Add(-12*time.Second), tt.wait); text != tt.want {
			t.Errorf("%q, want %q", text, tt.want)
		}
	}
}

// TestRetriesFailedOnly expects that only failed ids are sent again.
func TestRetriesFailedOnly(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	f := newFront(t, srv, false)
	srv.Fail(client.Fault{Command: "multiaccount_import", FailUserIDs: []string{"u7", "u8"}, ItemCode: int(client.CodeTimeout), Times: 1})
	var b strings.Builder
	b.WriteString("userid\n")
	for i := range 100 {
		fmt.Fprintf(&b, "u%d\n", i)
	}
	j := newJob(t, srv, f, ByWire, write(t, "users.csv", []byte(b.String())))
	s, err := j.Run(t.Context())
	if err != nil || s.Done != 100 || s.Retries != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	calls := srv.Calls("multiaccount_import")
	if len(calls) != 2 {
		t.Fatalf("%d calls", len(calls))
	}
	for _, c := range calls {
		if n := strings.Count(c.Request.Text, `"UserID"`); n != 100 && n != 2 {
			t.Errorf("a call with %d ids: %s", n, c.Request.Text)
		}
	}
}

// TestOneSpoilsCall makes calls with a row with which every call fails on the server, while other
// calls succeed. The row is rejected. When no call succeeds, no row is rejected.
func TestOneSpoilsCall(t *testing.T) {
	var c *caller
	others := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte("poison")) {
			if others {
				c.heard()
			}
			fmt.Fprint(w, `{"ActionStatus":"FAIL","ErrorCode":70500,"ErrorInfo":"no"}`)
			return
		}
		fmt.Fprint(w, `{"ActionStatus":"OK","ErrorCode":0}`)
	}))
	t.Cleanup(s.Close)
	srv := &rollcalltest.Server{SDKAppID: 1400000001, Key: "key"}
	j := jobOf(srv, wireOf(t, srv, s.URL, 4), "users.csv")
	c = newCaller(t.Context(), t.Context(), j)
	defer c.stop()
	b := &batch{rows: []*row{{id: "a"}, {id: "poison"}, {id: "b"}}}
	c.do(b)
	if b.err != nil {
		t.Fatal(b.err)
	}
	for _, r := range b.rows {
		if !r.answered || (r.code == 70500) != (r.id == "poison") {
			t.Errorf("%+v", r)
		}
	}

	others, j.Wait = false, 50*time.Millisecond
	b = &batch{rows: []*row{{id: "poison"}}}
	if c.do(b); b.err == nil || b.rows[0].answered {
		t.Errorf("%+v, %v", b.rows[0], b.err)
	}
}

// TestStopOneByOne stops a run whose call is repeated row by row. No further row is sent.
func TestStopOneByOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ones := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "multiaccount_import") {
			fmt.Fprint(w, `{"ActionStatus":"FAIL","ErrorCode":70402,"ErrorInfo":"no"}`)
			return
		}
		ones++
		cancel()
		fmt.Fprint(w, `{"ActionStatus":"OK","ErrorCode":0}`)
	}))
	t.Cleanup(s.Close)
	srv := &rollcalltest.Server{URL: s.URL, SDKAppID: 1400000001, Key: "key"}
	j := jobOf(srv, wireOf(t, srv, s.URL, 1), write(t, "users.csv", []byte("userid\na\nb\nc\nd\n")))
	sum, err := j.Run(ctx)
	if !errors.Is(err, context.Canceled) || ones != 1 || sum.Done != 1 {
		t.Errorf("%d calls, %+v, %v", ones, sum, err)
	}
}

// TestPace makes calls at a limit, in a time of its own.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &Job{Wire: &Wire{Limits: map[string]float64{"multiaccount_import": 90}}, Wait: time.Minute}
		c := newCaller(t.Context(), t.Context(), j)
		defer c.stop()
		seconds := map[int64]int{}
		began := time.Now()
		for range 900 {
			if err := c.ask(new(batch), "multiaccount_import", func(context.Context) error { seconds[int64(time.Since(began)/time.Second)]++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 9900*time.Millisecond || took > 10100*time.Millisecond {
			t.Errorf("900 calls took %v", took)
		}
		for s, n := range seconds {
			if n > 91 {
				t.Errorf("%d calls in second %d", n, s)
			}
		}
		if c.pace["multiaccount_import"].Limit() != rate.Limit(90) {
			t.Error("the limit has changed")
		}
	})
}

// TestSettle goes on after a run that was killed just before its journal was due. Its last call
// can take effect three seconds after it began.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const atServer = 3 * time.Second
		j := &Job{Way: ByWire}
		for _, age := range []time.Duration{-time.Hour, 0, saveEvery + lingerTime, time.Hour} {
			l := &ledger{killed: true, doc: &document{UpdatedAt: time.Now().Add(-age)}}
			began := time.Now()
			if err := j.waitSettled(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			waited := time.Since(began)
			if least := saveEvery + lingerTime + atServer - max(age, 0); waited < least || waited > 5*time.Second {
				t.Errorf("waited %v with a journal of %v, want at least %v", waited, age, least)
			}
		}
	})
}

// TestPause pauses a run, and lets it go on.
func TestPause(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			app := srv.NewApp(t)
			all := lines(rng, 5000, 5000)
			j := newJob(t, app, newFront(t, app, false), way, write(t, "users.csv", table(all)))
			j.Pause = new(Pause)
			j.Pause.Toggle()
			seen := make(chan struct{}, 1)
			j.Progress = func(s progress.State) {
				if s.Note == "paused" {
					select {
					case seen <- struct{}{}:
					default:
					}
				}
			}
			go func() {
				<-seen
				j.Pause.Toggle()
			}()
			s, err := j.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkRun(t, app, j, s, all, -1)
		})
	}
}

// TestVerify deletes accounts of a complete run and finds out which.
func TestVerify(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	all := lines(rand.New(rand.NewPCG(1, 1)), 3000, 3000)
	j := newJob(t, srv, newFront(t, srv, false), ByWire, write(t, "users.csv", table(all)))
	if _, err := j.Verify(t.Context()); err == nil {
		t.Error("a run that never began was verified")
	}
	s, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := j.Verify(t.Context())
	if err != nil || v.Missing != 0 || v.Checked != s.Done || v.File != "" {
		t.Fatalf("%+v, %v", v, err)
	}
	var gone string
	for _, l := range all {
		if !l.bad {
			gone = l.id
		}
	}
	if _, err := srv.Client.DeleteAccounts(t.Context(), []string{gone}); err != nil {
		t.Fatal(err)
	}
	v, err = j.Verify(t.Context())
	if err != nil || v.Missing == 0 || v.First[0] != gone {
		t.Fatalf("%+v, %v", v, err)
	}
	if b, err := os.ReadFile(v.File); err != nil || !strings.HasPrefix(string(b), gone+"\n") {
		t.Errorf("%q, %v", b, err)
	}
}

// TestTags imports profile tags. A tag that the app refuses rejects its row. What the server of
// a stream does with tags is tested there.
func TestTags(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	const rows = `{"userid":"a","profile":{"Tag_Profile_IM_Gender":"Gender_Type_Male","Tag_Profile_IM_Level":7}}
{"userid":"b","nick":"B","profile":{"Tag_Profile_Custom_none":"x"}}
`
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			app := srv.NewApp(t)
			j := newJob(t, app, newFront(t, app, false), way, write(t, "users.ndjson", []byte(rows)))
			s, err := j.Run(t.Context())
			if err != nil || s.Done != 1 || s.Rejected != 1 {
				t.Fatalf("%+v, %v", s, err)
			}
			a, err := app.AdminClient.Account(t.Context(), app.SDKAppID, "a")
			if err != nil || string(a.Profile[client.TagGender]) != `"Gender_Type_Male"` || string(a.Profile[client.TagLevel]) != "7" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// TestStdin imports standard input, which has no journal.
func TestStdin(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for _, way := range ways {
		app := srv.NewApp(t)
		j := newJob(t, app, newFront(t, app, false), way, source.Stdin)
		j.Journal, j.Stdin = "", strings.NewReader("userid\na\nb\n@c\n")
		j.Rejects = filepath.Join(t.TempDir(), "r.csv")
		s, err := j.Run(t.Context())
		if err != nil || s.Done != 2 || s.Rejected != 1 || len(s.Rejects) != 1 {
			t.Errorf("%s: %+v, %v", way, s, err)
		}
	}
}

// TestRejectsName names rejects files. One of a pipe of the shell is in the working directory.
func TestRejectsName(t *testing.T) {
	for file, want := range map[string]string{
		"a/users.csv.gz": "a/users.rejects.csv",
		source.Stdin:     "stdin.rejects.csv",
		"/dev/fd/63":     "pipe.rejects.csv",
	} {
		if got := rejectsName(file, ".csv"); got != want {
			t.Errorf("of %s: %s, want %s", file, got, want)
		}
	}
}

// TestStdinInterrupted stops a run that waits for input, which stays open.
func TestStdinInterrupted(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			app := srv.NewApp(t)
			r, w := io.Pipe()
			defer w.Close() // ends the read that nobody waits for
			j := newJob(t, app, newFront(t, app, false), way, source.Stdin)
			j.Journal, j.Stdin, j.Rejects = "", r, filepath.Join(t.TempDir(), "r.csv")
			ctx, cancel := context.WithCancelCause(t.Context())
			interrupt := errors.New("interrupt")
			j.Progress = func(s progress.State) {
				if s.Rows == 1024 { // two chunks
					cancel(interrupt)
				}
			}
			go func() {
				var text strings.Builder
				text.WriteString("userid\n")
				for i := range 1024 {
					fmt.Fprintf(&text, "user-%d\n", i)
				}
				_, _ = io.WriteString(w, text.String()+strings.Repeat("\n", source.MaxRecord)) // a source looks that far ahead
			}()
			s, err := j.Run(ctx)
			if !errors.Is(err, interrupt) || s.Done != 1024 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}
