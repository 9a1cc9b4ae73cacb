package redislimit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// connectTime is how long a probe waits for a connection, which can need several round
	// trips more than a script.
	connectTime = 2 * time.Second

	// A suspended node sends its first probe after minDelay, and waits twice as long before
	// each further one, up to maxDelay. It begins with minDelay again after calm.
	minDelay = 100 * time.Millisecond
	maxDelay = time.Second
	calm     = 10 * time.Second

	// outage is how long Redis must fail before that is logged. A pause of a fork is shorter.
	outage = time.Second
)

// Run connects to Redis, lets it count and watches it, until ctx ends.
func (l *Limiter) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() { l.send(ctx) })
	}
	l.watch(ctx)
	l.suspend(ctx.Err())
	wg.Wait()
	l.disconnect()
	return nil
}

// send sends batches until ctx ends. No call waits for a sender that hangs.
func (l *Limiter) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.work:
		}
		if client, batches := l.take(); len(batches) > 0 {
			l.count(ctx, client, batches)
		}
	}
}

// take returns the batches that wait, and removes them.
func (l *Limiter) take() (rueidis.Client, map[batchKey]*batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.batches) == 0 {
		return nil, nil // another sender was faster
	}
	batches := l.batches
	l.batches = map[batchKey]*batch{}
	return l.client, batches
}

// count lets Redis count batches, and ends them.
func (l *Limiter) count(ctx context.Context, client rueidis.Client, batches map[batchKey]*batch) {
	keys := make([]batchKey, 0, len(batches))
	scripts := make([]scriptCall, 0, len(batches))
	for k, b := range batches {
		keys, scripts = append(keys, k), append(scripts, scriptCall{k.Call, b.n})
	}
	ctx, cancel := context.WithTimeout(ctx, l.wait)
	replies, errs := run(ctx, client, scripts)
	cancel()
	now := time.Now()
	l.mu.Lock()
	var failed error
	for i, k := range keys {
		b := batches[k]
		if errs[i] != nil {
			failed = errs[i]
			l.fail(k, b, failed)
			continue
		}
		b.reply = replies[i]
		if k.later {
			l.guesses.learn(k.Call, b.n, &b.reply, now)
		}
		close(b.done)
	}
	l.mu.Unlock()
	if failed != nil {
		l.stats.errors.Add(1)
		l.suspend(failed)
	}
}

// watch sends probes while Redis does not count, until ctx ends. It logs the begin and the
// end of an outage.
func (l *Limiter) watch(ctx context.Context) {
	delay, since, warned := time.Duration(0), time.Now(), false
	var resumed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(delay):
		}
		err := l.probe(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && warned:
			l.lg.Info("redis responds again; the nodes share the rate limits", slog.Int64("after_ms", time.Since(since).Milliseconds()))
		case err != nil:
			l.stats.errors.Add(1)
			if !warned && time.Since(since) >= outage {
				warned = true
				l.lg.Warn("redis does not count calls; each node applies the whole rate limits until it does", slog.String("err", err.Error()))
			}
			delay = min(max(2*delay, minDelay), maxDelay)
			continue
		}
		warned, resumed = false, time.Now()
		select {
		case <-ctx.Done():
			return
		case <-l.broken:
		}
		since = time.Now()
		if since.Sub(resumed) > calm {
			delay = 0
		}
		delay = min(max(2*delay, minDelay), maxDelay)
	}
}

// probe connects to Redis if there is no connection, and lets it count a call of no app. If
// that does not take too long, Redis counts calls from now on. Otherwise the next probe
// connects again, because the name may by then belong to another server.
func (l *Limiter) probe(ctx context.Context) error {
	if err := l.try(ctx); err != nil {
		l.disconnect()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shared = true
	return nil
}

// try is probe without its consequences.
func (l *Limiter) try(ctx context.Context) error {
	connecting, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if err := l.connect(connecting); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(ctx, l.wait)
	defer cancel()
	_, errs := run(ctx, l.client, []scriptCall{probeCall})
	return errs[0]
}

// connect makes sure that there is a connection. Only the goroutine of Run calls it.
func (l *Limiter) connect(ctx context.Context) error {
	if l.client != nil {
		return l.client.Do(ctx, l.client.B().Ping().Build()).Error()
	}
	l.mu.Lock()
	o := l.o
	l.mu.Unlock()
	client, err := rueidis.NewClient(o) // ends after Dialer.Timeout for each address
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client = client
	return nil
}

// disconnect closes the connections. Only the goroutine of Run calls it.
func (l *Limiter) disconnect() {
	l.mu.Lock()
	client := l.client
	l.client = nil
	l.mu.Unlock()
	if client != nil {
		client.Close() // takes up to a second if Redis hangs
	}
}
