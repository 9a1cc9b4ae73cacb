package harness

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"rollcall/client"
	"rollcall/internal/loadgen"
)

// Steps of webhooks: events of devices are delivered to a receiver in this process.
const (
	stepFaithful = "webhook-faithful"
	stepReliable = "webhook-reliable"
)

const (
	hooked      = 10_000 // accounts whose devices log in and out
	hookedBatch = 250    // reports in a call
	hookedAhead = 1500   // events that are not delivered yet; the queue of an app has 2,000 places
)

// deliveries is the number of events of a step: a login and a logout of each account.
const deliveries = 2 * hooked

// A receiver receives events.
type receiver struct {
	server http.Server
	url    string
	n      atomic.Int64 // events so far
	news   chan struct{}
}

// receive starts a receiver.
func receive(ctx context.Context) (*receiver, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: fmt.Sprintf("http://%s/", l.Addr()), news: make(chan struct{}, 1)}
	r.server.ReadHeaderTimeout = time.Minute
	r.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
		r.n.Add(1)
		select {
		case r.news <- struct{}{}:
		default:
		}
	})
	go func() { _ = r.server.Serve(l) }() // until close
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

// wait waits until n events have come.
func (r *receiver) wait(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for r.n.Load() < n {
		select {
		case <-r.news:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events have come: %w", r.n.Load(), n, ctx.Err())
		}
	}
	return nil
}

// bareWebhooks is a client that posts the same bodies.
type bareWebhooks struct{ *process }

func (b bareWebhooks) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	r, err := receive(ctx)
	if err != nil {
		return nil, err
	}
	defer r.close()
	began := time.Now()
	query := url.Values{"to": {r.url}, "n": {fmt.Sprint(deliveries)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.address+"/?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || r.n.Load() != deliveries {
		return nil, cmp.Or(err, fmt.Errorf("%d of %d bodies have come; %s %s", r.n.Load(), deliveries, resp.Status, text))
	}
	return delivered(o.Workload, began), err
}

func delivered(workload string, began time.Time) *loadgen.Result {
	return &loadgen.Result{Workload: workload, Calls: deliveries, Accounts: deliveries, Elapsed: time.Since(began), Latency: new(loadgen.Histogram)}
}

// deliver logs devices in and out by reports, and returns when all events have come. The time
// includes that of the reports.
func (r *rollcall) deliver(ctx context.Context, step string) (*loadgen.Result, error) {
	to, err := receive(ctx)
	if err != nil {
		return nil, err
	}
	defer to.close()
	if err := r.register(ctx, "hook", hooked); err != nil {
		return nil, err
	}
	admin, err := r.admin()
	if err != nil {
		return nil, err
	}
	hook := client.NewWebhook{URL: to.url, Events: []string{"State.StateChange"}, Mode: "faithful"}
	if step == stepReliable {
		hook.Mode = "reliable"
	}
	if _, err := admin.SetWebhook(ctx, r.context.SDKAppID, hook); err != nil {
		return nil, err
	}
	began := time.Now()
	for from := int64(0); from < deliveries; from += hookedBatch {
		if err := to.wait(ctx, from+hookedBatch-hookedAhead); err != nil {
			return nil, err
		}
		if _, err := admin.ReportDevices(ctx, r.context.SDKAppID, hookReports(from)...); err != nil {
			return nil, err
		}
	}
	if err := to.wait(ctx, deliveries); err != nil {
		return nil, err
	}
	return delivered(step, began), admin.UnsetWebhook(ctx, r.context.SDKAppID)
}

// hookReports returns the reports that cause the events with numbers from a number on.
func hookReports(from int64) (reports []client.DeviceReport) {
	for i := from; i < from+hookedBatch; i++ {
		report := client.DeviceReport{UserID: fmt.Sprint("hook", i%hooked), Platform: "Windows", Instance: "bench"}
		if i < hooked {
			report.Vouched = time.Hour
		} else {
			report.Logout = true
		}
		reports = append(reports, report)
	}
	return reports
}
