package importer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"rollcall/client"
)

// A Stream is a target that takes rows in one long request of the admin API. The server
// stores the progress with the rows that it covers, so that no row has an effect twice.
type Stream struct {
	Client *client.AdminClient
}

const (
	// pollLeast and pollMost are the shortest and the longest time between two questions which
	// rows are durable.
	pollLeast = 25 * time.Millisecond
	pollMost  = 250 * time.Millisecond

	// keepAlive is how long a request sends nothing. The server ends one that is silent
	// for a minute.
	keepAlive = 20 * time.Second

	// maxRejected is the number of rejections of a key after which the run goes on with
	// another one. A server keeps a million rejections of a key.
	maxRejected = 800_000

	// maxRefusals is how often in a row a request may be refused without progress.
	maxRefusals = 5
)

// A streamRun is a run by stream. One goroutine takes verdicts, and another feeds the body of
// the request under way.
type streamRun struct {
	job *Job
	l   *ledger
	api *client.AdminClient
	ctx context.Context // ends when the run is stopped

	base     int64                     // row before the first of the key
	fetched  int64                     // row up to which the rejections of the server are known
	rejected []*client.ImportRejection // those whose rows have not been taken yet
	failed   int64                     // rejections of the key that were read
	before   int64                     // new accounts of earlier keys

	feeder

	failing  time.Time // since when requests fail without progress; zero if they do not
	failures int       // in a row
	away     error
	limit    int64 // of the server in rows per second
	state    string
}

// runStream sends the rows in streams.
func runStream(ctx context.Context, j *Job, l *ledger, chunks <-chan *chunk) error {
	s := &streamRun{job: j, l: l, api: j.Stream.Client, ctx: ctx}
	s.feeder = feeder{pause: j.Pause, chunks: chunks, room: make(chan struct{}, 1)}
	l.state.TotalBytes = totalSize(j.Files)
	if err := s.begin(); err != nil {
		return err
	}
	for refusals := 0; ; {
		row := l.doc.Row
		ended, err := s.request()
		if err == nil && ended {
			done, err := s.finished()
			if done || err != nil {
				return err
			}
			if err := s.newKey(); err != nil {
				return err
			}
			continue
		}
		if l.doc.Row > row {
			s.well()
			refusals = 0
		} else if refused, err := s.refused(err); err != nil {
			return err
		} else if refused {
			refusals++
		}
		if refusals == maxRefusals {
			return err
		}
		if err := s.wait(err); err != nil {
			return err
		}
	}
}

// begin sets the key and the numbers of a run that begins or goes on.
func (s *streamRun) begin() error {
	d := s.l.doc
	if d.Key == "" {
		d.Key, d.Base = newKey(), d.Row
	}
	s.base, s.fetched, s.before, s.failed = d.Base, d.Row, d.CreatedBefore, d.KeyRejected
	return s.l.save()
}

// newKey returns a key that no other run has.
func newKey() string { return "import-" + rand.Text() }

// newKey goes on with another key after the last row that is judged.
func (s *streamRun) newKey() error {
	d := s.l.doc
	d.Key, d.Base, d.CreatedBefore, d.KeyRejected = newKey(), d.Row, d.Created, 0
	s.rotate.Store(false)
	return s.begin()
}

// request makes one request and takes the verdicts of its rows. Ended says that the key has
// ended; then every row that the server has got is judged.
func (s *streamRun) request() (ended bool, err error) {
	status, err := s.sync(s.ctx)
	if err != nil {
		return false, err
	}
	if status.Ended() {
		return s.endOf(status)
	}
	body, in := io.Pipe()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	defer cancel()
	first := s.base + status.Row + 1
	result := make(chan error, 1)
	go func() {
		_, err := s.api.ImportStream(ctx, s.job.App, s.l.doc.Key, first-s.base, body)
		_ = body.CloseWithError(errors.New("the request has ended"))
		result <- err
	}()
	stop, fed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		s.feed(in, first, stop)
	}()
	err = s.follow(in, result)
	cancel()
	close(stop)
	_ = in.CloseWithError(errStopped)
	<-fed
	if err != nil {
		return false, err
	}
	if status, err = s.sync(s.ctx); err != nil {
		return false, err
	}
	if !status.Ended() {
		return false, errors.New("the server has not ended the import")
	}
	return s.endOf(status)
}

// endOf takes the verdicts of an import that has ended, and looks whether more rows follow. A
// run that was killed may have sent rows that this one has not read yet.
func (s *streamRun) endOf(status *client.Import) (bool, error) {
	if status.State != client.ImportDone {
		return false, refused("the import %s is %s on the server; begin anew with --restart", s.l.doc.Key, status.State)
	}
	last := s.base + status.Row
	for {
		if err := s.judge(s.ctx, status); err != nil {
			return false, err
		}
		over, more := s.looked()
		switch {
		case s.l.doc.Row >= last && (over || more):
			return true, nil
		case over && !more:
			return false, refused("the server has %d rows of the import %s, and the files have fewer: begin anew with --restart", last, s.l.doc.Key)
		}
		select {
		case c, ok := <-s.chunks:
			if !ok {
				return false, errStopped
			}
			s.keep(c)
		case <-s.ctx.Done():
			return false, errStopped
		}
	}
}

// follow takes verdicts until the request ends or the run is stopped.
func (s *streamRun) follow(in *io.PipeWriter, result <-chan error) error {
	every := pollLeast
	poll := time.NewTimer(every)
	defer poll.Stop()
	for {
		select {
		case err := <-result:
			return err
		case <-s.ctx.Done():
			return s.cut(in, result)
		case <-poll.C:
			full, row := s.full(), s.l.doc.Row
			if _, err := s.sync(s.ctx); err != nil && !temporary(err) {
				return err
			}
			if s.job.Pause.paused() || s.state == client.ImportPaused {
				s.well() // no progress is expected
			}
			every = nextPoll(every, full && s.l.doc.Row > row)
			poll.Reset(every)
			s.show()
		}
	}
}

// nextPoll returns the time until the next question after one that came after every. Late
// says that the server waited for the last one, because it had all rows that the run keeps.
func nextPoll(every time.Duration, late bool) time.Duration {
	if late {
		return max(every/2, pollLeast)
	}
	return min(every+pollLeast, pollMost)
}

// cut ends a request whose run is stopped. What the server has got until then is judged, if
// that does not take long.
func (s *streamRun) cut(in *io.PipeWriter, result <-chan error) error {
	_ = in.CloseWithError(errStopped)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), stopTime)
	defer cancel()
	select {
	case <-result:
	case <-ctx.Done():
	}
	_, _ = s.sync(ctx) // the journal has the progress before otherwise
	return errStopped
}

// sync asks which rows are durable, and takes their verdicts.
func (s *streamRun) sync(ctx context.Context) (*client.Import, error) {
	status, err := s.api.Import(ctx, s.job.App, s.l.doc.Key)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Slug == client.SlugNotFound {
		return s.unknown(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	s.away = nil
	s.limit, s.state = status.Rate, status.State
	if last := s.base + status.Row; last < s.l.doc.Row {
		return nil, refused("the server has lost the rows after %d, of which it had those up to %d, perhaps because a backup was restored; begin anew with --restart", last, s.l.doc.Row)
	}
	return status, s.judge(ctx, status)
}

// unknown returns the status of a key that the server does not know. That is the case before
// its first row. Later the server has lost it, and perhaps the accounts of its rows.
func (s *streamRun) unknown(ctx context.Context, err error) (*client.Import, error) {
	if _, appErr := s.api.App(ctx, s.job.App); temporary(appErr) {
		return nil, appErr
	} else if appErr != nil {
		return nil, err // it is the app that does not exist
	}
	if s.l.doc.Row > s.base {
		return nil, refused("the server does not know the import %s any more, of which it had the rows up to %d: it is another server, its app was reset, or the import is older than a week; begin anew with --restart",
			s.l.doc.Key, s.l.doc.Row)
	}
	return &client.Import{Key: s.l.doc.Key, State: client.ImportOpen}, nil
}

// judge takes the verdicts of the rows up to the last durable one, as far as they are read.
func (s *streamRun) judge(ctx context.Context, status *client.Import) error {
	last := s.base + status.Row
	for s.l.doc.Row < last {
		if len(s.rejected) == 0 && s.fetched < last {
			if err := s.rejections(ctx, status, last); err != nil {
				return err
			}
		}
		known := last
		if len(s.rejected) > 0 || s.fetched < last {
			known = min(last, s.fetched)
		}
		if more, err := s.take(known); err != nil {
			return err
		} else if !more {
			break
		}
	}
	s.l.doc.Created = s.before + status.Created
	if s.failed > maxRejected {
		s.rotate.Store(true)
	}
	return s.l.saveSometimes()
}

// rejections reads a page of rejections of rows up to last, and sets s.fetched to the row up
// to which all are known.
func (s *streamRun) rejections(ctx context.Context, status *client.Import, last int64) error {
	if s.failed == status.Failed {
		s.fetched = last
		return nil
	}
	for x, err := range s.api.ImportRejected(ctx, s.job.App, s.l.doc.Key, s.fetched-s.base) {
		if err != nil {
			return err
		}
		if s.base+x.Row > last {
			break
		}
		s.rejected = append(s.rejected, x)
		s.failed++
		if len(s.rejected) == client.MaxPage {
			s.fetched = s.base + x.Row
			return nil
		}
	}
	s.fetched = last
	return nil
}

// take passes rows up to last on to the ledger. It returns false if a row is missing: the run
// that was killed had sent it, but this one has not read it yet.
func (s *streamRun) take(last int64) (bool, error) {
	for s.l.doc.Row < last {
		r := s.next(last)
		if r == nil {
			return false, nil
		}
		switch {
		case len(s.rejected) > 0 && s.base+s.rejected[0].Row == r.number:
			x := s.rejected[0]
			s.rejected = s.rejected[1:]
			s.l.doc.KeyRejected++
			r.judge(verdict{code: client.Code(x.Code), reason: x.Reason})
		case !r.judged:
			r.judge(verdict{})
		}
		if err := s.l.take(r); err != nil {
			return false, err
		}
	}
	return true, nil
}

// show tells the progress.
func (s *streamRun) show() {
	s.l.state.Bytes = s.l.done(s.at.Load(), s.number.Load())
	s.l.state.Note = s.note()
	s.l.show()
}

// note says what holds the run back.
func (s *streamRun) note() string {
	switch {
	case s.job.Pause.paused():
		return "paused"
	case s.away != nil && time.Since(s.failing) > 2*time.Second:
		return awayText(s.away, s.failing, s.job.Wait)
	case s.state == client.ImportPaused:
		return "paused on the server"
	case s.limit > 0:
		return fmt.Sprintf("limited to %d rows/s by the server", s.limit)
	}
	return ""
}

// refused reports whether a request failed although the server answers, or returns the error
// that ends the run.
func (s *streamRun) refused(err error) (bool, error) {
	if err == errStopped || s.ctx.Err() != nil {
		return false, errStopped
	}
	if temporary(err) {
		return false, nil
	}
	p, ok := errors.AsType[*client.Problem](err)
	if !ok {
		return false, err
	}
	switch p.Status {
	case http.StatusConflict: // another request has not ended yet
		return false, nil
	case http.StatusBadRequest: // the body broke off on the way
		return true, nil
	}
	return false, err
}

// temporary reports whether a request can succeed later.
func temporary(err error) bool {
	if e, ok := errors.AsType[*client.TransportError](err); ok {
		return e.Temporary()
	}
	p, ok := errors.AsType[*client.Problem](err)
	return ok && (p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests)
}

// well notes that requests do not fail.
func (s *streamRun) well() { s.failing, s.failures = time.Time{}, 0 }

// wait pauses before the next request, or returns the error that ends the run.
func (s *streamRun) wait(err error) error {
	if s.ctx.Err() != nil {
		return errStopped
	}
	if s.failures == 0 {
		s.failing = time.Now()
	}
	s.failures++
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusConflict && p.Status != http.StatusBadRequest {
		s.away = err
	}
	if time.Since(s.failing) >= s.job.Wait {
		return err
	}
	s.l.doc.Retries++
	s.show()
	err = sleep(s.ctx, pause(s.job.firstPause(), s.failures-1))
	s.show()
	return err
}
