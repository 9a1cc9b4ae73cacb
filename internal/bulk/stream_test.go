package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/bulk"
	"rollcall/internal/store/mem"
)

// A sending is a stream whose body a test writes bit by bit.
type sending struct {
	w    *io.PipeWriter
	conn *conn
	done chan struct{}
	imp  *adminapi.Import // valid when done is closed
	err  error
}

// send begins a stream. Interrupting its connection breaks its body off.
func (b *jobBench) send(from int64, ending <-chan struct{}) *sending {
	r, w := io.Pipe()
	s, service := &sending{w: w, conn: newConn(), done: make(chan struct{})}, b.bulk
	go func() {
		select {
		case <-s.conn.interrupted:
			_ = r.CloseWithError(os.ErrDeadlineExceeded)
		case <-s.done:
		}
	}()
	go func() {
		defer close(s.done)
		s.imp, s.err = service.Stream(context.WithoutCancel(b.Context()), bulk.Stream{
			App: appID, Key: key, Actor: "test", From: from, Body: r, Conn: s.conn, Ending: ending,
		})
		_ = r.Close()
	}()
	return s
}

// write writes lines of accounts, in the background: a stream need not read them.
func (s *sending) write(from, to int) {
	go func() {
		for i := from; i <= to; i++ {
			if _, err := fmt.Fprintf(s.w, "{\"userid\":\"u%d\"}\n", i); err != nil {
				return
			}
		}
	}()
}

// TestStreamControl limits, pauses, resumes and cancels a stream.
func TestStreamControl(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		ctx := b.Context()
		s := b.send(1, nil)
		s.write(1, 10)
		time.Sleep(time.Second)
		if i := b.imp(); i.State != adminapi.ImportOpen || i.Row != 10 || i.Created != 10 {
			t.Errorf("%+v: rows that came must not wait for further ones", i)
		}
		if _, err := b.stream(11, strings.NewReader("")); account.CodeOf(err) != account.Conflict {
			t.Errorf("a second request with the key: %v", err)
		}
		b.must(adminapi.ImportOpen)(b.bulk.SetRate(ctx, "test", appID, key, 10))
		synctest.Wait() // the stream knows the rate
		s.write(11, 1000)
		time.Sleep(4 * time.Second)
		if i := b.imp(); i.Row < 40 || i.Row > 65 {
			t.Errorf("row %d after 4 s with 10 rows/s", i.Row)
		}
		b.must(adminapi.ImportPaused)(b.bulk.Pause(ctx, "test", appID, key))
		synctest.Wait()
		row := b.imp().Row
		time.Sleep(10 * time.Second)
		if i := b.imp(); i.Row > row+10 || i.State != adminapi.ImportPaused {
			t.Errorf("%+v after the pause at row %d", i, row)
		}
		b.must(adminapi.ImportPaused)(b.bulk.SetRate(ctx, "test", appID, key, 0))
		b.must(adminapi.ImportOpen)(b.bulk.Resume(ctx, "test", appID, key))
		time.Sleep(time.Second)
		if i := b.imp(); i.Row != 1000 || i.Imported+i.Failed != 1000 { // the quota refuses most
			t.Errorf("%+v after the end of the pause", i)
		}
		b.must(adminapi.ImportCanceled)(b.bulk.Cancel(ctx, "test", appID, key))
		<-s.done
		b.must(adminapi.ImportCanceled)(s.imp, s.err)
		b.must(adminapi.ImportCanceled)(b.stream(1, strings.NewReader("not read")))
	})
}

// TestStreamFaster raises the rate of a stream that waits a long time because of its old rate.
func TestStreamFaster(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		ctx := b.Context()
		s := b.send(1, nil)
		s.write(1, 1000)
		time.Sleep(time.Second)
		b.must(adminapi.ImportPaused)(b.bulk.Pause(ctx, "test", appID, key))
		s.write(1001, 5000) // in one chunk
		time.Sleep(time.Second)
		b.must(adminapi.ImportPaused)(b.bulk.SetRate(ctx, "test", appID, key, 1))
		b.must(adminapi.ImportOpen)(b.bulk.Resume(ctx, "test", appID, key))
		time.Sleep(time.Second)
		s.write(5001, 5100)
		time.Sleep(time.Minute)
		if row := b.imp().Row; row != 5000 {
			t.Errorf("row %d a minute after 4000 rows at 1 row/s", row)
		}
		b.must(adminapi.ImportOpen)(b.bulk.SetRate(ctx, "test", appID, key, 1000))
		time.Sleep(time.Second)
		if row := b.imp().Row; row != 5100 {
			t.Errorf("row %d a second after the rate was raised to 1000 rows/s", row)
		}
		_ = s.w.Close()
		<-s.done
		b.must(adminapi.ImportDone)(s.imp, s.err)
	})
}

// TestStreamEnding shuts the server down during a stream. What is not durable is sent again.
func TestStreamEnding(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		ending := make(chan struct{})
		s := b.send(1, ending)
		s.write(1, 10)
		time.Sleep(time.Second)
		close(ending)
		<-s.done
		if account.CodeOf(s.err) != account.Unavailable || !strings.Contains(account.DetailOf(s.err), "go on from row 11") {
			t.Errorf("the error is %v", s.err)
		}
		b.end()
		b.run()
		s = b.send(11, nil)
		s.write(11, 20)
		time.Sleep(time.Second)
		_ = s.w.Close()
		<-s.done
		if i := b.must(adminapi.ImportDone)(s.imp, s.err); i.Row != 20 || i.Created != 20 {
			t.Errorf("%+v", i)
		}
	})
}

// TestStreamRefused refuses streams that cannot begin, and leaves nothing of them.
func TestStreamRefused(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		for what, c := range map[string]struct {
			q    bulk.Stream
			code account.Code
		}{
			"a gap":         {bulk.Stream{App: appID, Key: key, From: 2}, account.Conflict},
			"no key":        {bulk.Stream{App: appID, From: 1}, account.BadParameter},
			"a long key":    {bulk.Stream{App: appID, Key: strings.Repeat("k", 65), From: 1}, account.BadParameter},
			"a strange key": {bulk.Stream{App: appID, Key: "a/b", From: 1}, account.BadParameter},
			"dots":          {bulk.Stream{App: appID, Key: "..", From: 1}, account.BadParameter},
			"no app":        {bulk.Stream{App: appID + 1, Key: key, From: 1}, account.NoApp},
		} {
			c.q.Conn, c.q.Body, c.q.Actor = newConn(), strings.NewReader("{\"userid\":\"a\"}\n"), "test"
			if _, err := b.bulk.Stream(b.Context(), c.q); account.CodeOf(err) != c.code || account.DetailOf(err) == "" {
				t.Errorf("%s: %v", what, err)
			}
			if c.q.Conn.(*conn).began.Load() {
				t.Errorf("%s: the body was read", what)
			}
		}
		page, _, err := b.bulk.Imports(b.Context(), appID, "", 10)
		if err != nil || len(page) > 0 {
			t.Errorf("%v, %v", page, err)
		}
	})
}

// TestStreamOfLostApp resets the app during a stream, which then ends.
func TestStreamOfLostApp(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		s := b.send(1, nil)
		s.write(1, 10)
		time.Sleep(time.Second)
		if _, err := b.dir.Reset(b.Context(), "test", appID); err != nil {
			t.Fatal(err)
		}
		s.write(11, 20)
		<-s.done
		if account.CodeOf(s.err) != account.NoImport {
			t.Errorf("the error is %v", s.err)
		}
		b.gone(key)
		s = b.send(1, nil)
		s.write(1, 3)
		time.Sleep(time.Second)
		_ = s.w.Close()
		<-s.done
		if i := b.must(adminapi.ImportDone)(s.imp, s.err); i.Row != 3 || i.Created != 3 {
			t.Errorf("%+v", i)
		}
	})
}

// TestStreamLimit refuses a stream too many.
func TestStreamLimit(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		var open []*sending
		for range bulk.MaxStreams {
			open = append(open, b.send(1, nil)) // of the same key: they wait for a place all the same
		}
		synctest.Wait()
		for _, s := range open[1:] {
			_ = s.w.Close()
		}
		_ = open[0].w.Close()
		for _, s := range open {
			<-s.done
		}
		ws := make([]*io.PipeWriter, bulk.MaxStreams)
		errs := make(chan error, bulk.MaxStreams)
		for i := range ws {
			var r *io.PipeReader
			r, ws[i] = io.Pipe()
			go func() {
				_, err := b.bulk.Stream(context.WithoutCancel(b.Context()), bulk.Stream{App: appID, Key: fmt.Sprint("k", i), Actor: "test", From: 1, Body: r, Conn: newConn()})
				errs <- err
			}()
		}
		synctest.Wait()
		if _, err := b.stream(1, strings.NewReader("")); account.CodeOf(err) != account.Unavailable {
			t.Errorf("a stream too many: %v", err)
		}
		for _, w := range ws {
			_ = w.Close()
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestLeases checks that two servers with one engine do not work on the same import.
func TestLeases(t *testing.T) {
	inBubble(t, func(b *jobBench) {
		b.end()
		b.o.Shared = true
		b.run()
		first := b.send(1, nil)
		first.write(1, 10)
		time.Sleep(time.Minute) // the lease is renewed
		other := *b.bench
		other.start()
		if _, err := other.stream(11, strings.NewReader("")); account.CodeOf(err) != account.Conflict {
			t.Errorf("a stream at the other server: %v", err)
		}
		_ = first.w.CloseWithError(errors.New("cut"))
		<-first.done
		b.must(adminapi.ImportDone)(other.stream(11, strings.NewReader("")))
	})
}

// TestStreamWatched asks how far streams are while they begin. The race detector looks on.
func TestStreamWatched(t *testing.T) {
	b := newBench(t, func() account.Engine { return new(mem.Store) })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = b.bulk.Import(t.Context(), appID, key) // none before the first stream
				}
			}
		})
	}
	for row := range int64(200) {
		if _, err := b.stream(row+1, &cutReader{rand.New(rand.NewPCG(1, 2)), strings.NewReader("\n"), true}); account.CodeOf(err) != account.Malformed {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
}
