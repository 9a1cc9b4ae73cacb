package loadgen

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// A run is a load in progress.
type run struct {
	o       *Options
	ctx     context.Context // of one call of Run
	stop    context.CancelCauseFunc
	workers []*worker

	start   time.Time
	end     time.Time    // zero for none
	next    atomic.Int64 // number of the next call
	lastAck atomic.Int64 // nanoseconds since start
	gap     atomic.Int64 // nanoseconds
}

// A worker is one connection.
type worker struct {
	run       *run
	conn      net.Conn
	responses responseReader
	script    script
	Result
}

// newRun opens all connections.
func newRun(ctx context.Context, o *Options) (*run, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server: write it like http://127.0.0.1:7580", o.URL)
	}
	query := o.Credentials.query()
	r := &run{o: o}
	r.next.Store(o.Skip)
	r.ctx, r.stop = context.WithCancelCause(ctx)
	w, _ := Find(o.Workload)
	for i := range o.Connections {
		conn, err := dial(ctx, u, o.TLS)
		if err != nil {
			r.close()
			return nil, err
		}
		worker := &worker{run: r, conn: conn, responses: responseReader{conn, make([]byte, 16<<10)}}
		worker.Latency = new(Histogram)
		if w.Name == List {
			worker.script = newListScript(o, u.Host, i)
		} else {
			worker.script = newBatchScript(o, &w, u.Host, query)
		}
		r.workers = append(r.workers, worker)
	}
	return r, nil
}

// dial opens a connection to the host of u.
func dial(ctx context.Context, u *url.URL, conf *tls.Config) (net.Conn, error) {
	if u.Scheme == "https" {
		d := &tls.Dialer{Config: conf}
		return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
}

func (r *run) close() {
	r.stop(nil)
	for _, w := range r.workers {
		_ = w.conn.Close() // no call is pending
	}
}

// do runs all workers until the end and returns the sum of their results.
func (r *run) do() (*Result, error) {
	// When ctx ends, workers that wait for a response must wake up.
	defer context.AfterFunc(r.ctx, func() {
		for _, w := range r.workers {
			_ = w.conn.SetDeadline(time.Unix(1, 0))
		}
	})()
	r.start = time.Now()
	if r.o.Duration > 0 {
		r.end = r.start.Add(r.o.Duration)
	}
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Go(func() {
			if err := w.work(); err != nil {
				r.stop(err)
			}
		})
	}
	wg.Wait()
	total := r.sum()
	if cause := context.Cause(r.ctx); cause != nil && total.Errors > 0 {
		return total, cause
	}
	return total, nil
}

// sum returns the sum of the workers' results.
func (r *run) sum() *Result {
	total := &Result{
		Workload: r.o.Workload, Latency: new(Histogram),
		Elapsed:    time.Duration(r.lastAck.Load()),
		LongestGap: time.Duration(r.gap.Load()),
	}
	for _, w := range r.workers {
		total.Calls += w.Calls
		total.Accounts += w.Accounts
		total.Errors += w.Errors
		total.Sent += w.Sent
		total.Received += w.Received
		total.Latency.Add(w.Latency)
	}
	return total
}

// work makes one call after the other until the run ends.
func (w *worker) work() error {
	for {
		c := w.run.next.Add(1) - 1
		due, ok := w.run.await(c - w.run.o.Skip)
		if !ok {
			return nil
		}
		if err := w.call(c, due); err != nil {
			if w.run.ctx.Err() != nil {
				return nil // the run has ended, which closed the connection
			}
			w.Errors++
			return fmt.Errorf("call %d of %s: %w", c, w.run.o.Workload, err)
		}
	}
}

// await waits until call i is due, and returns that time. It returns false if
// the run is over.
func (r *run) await(i int64) (due time.Time, ok bool) {
	if r.ctx.Err() != nil || r.o.Calls > 0 && i >= r.o.Calls {
		return due, false
	}
	if due = time.Now(); r.o.Rate > 0 {
		due = r.start.Add(time.Duration(float64(i) / r.o.Rate * float64(time.Second)))
	}
	if !r.end.IsZero() && due.After(r.end) {
		return due, false
	}
	if wait := time.Until(due); r.o.Rate > 0 && wait > 0 {
		select {
		case <-r.ctx.Done():
			return due, false
		case <-time.After(wait):
		}
	}
	return due, true
}

// call makes call number c, which was due at the time due.
func (w *worker) call(c int64, due time.Time) error {
	req := w.script.request(c)
	if err := w.conn.SetDeadline(time.Now().Add(w.run.o.Timeout)); err != nil {
		return err
	}
	if _, err := w.conn.Write(req); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	a, err := w.responses.read()
	if err != nil {
		return err
	}
	accounts, err := w.script.check(c, a.status, a.body)
	if err != nil {
		return err
	}
	now := time.Now()
	w.Latency.Record(now.Sub(due))
	w.run.acknowledge(now.Sub(w.run.start))
	w.Calls++
	w.Accounts += accounts
	w.Sent += int64(len(req))
	w.Received += int64(a.size)
	return nil
}

// acknowledge records a successful response at a time since the start.
func (r *run) acknowledge(at time.Duration) {
	gap := int64(at) - r.lastAck.Swap(int64(at))
	for {
		longest := r.gap.Load()
		if gap <= longest || r.gap.CompareAndSwap(longest, gap) {
			return
		}
	}
}
