package webhooks

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
)

// Limits of a pass.
const (
	pageEvents = 50    // events that are read at once; an import has up to some thousand items
	maxLoaded  = 2_000 // items of a pass in memory, beyond those of one page
	maxBatch   = 200   // outcomes that are stored in one commit

	reliableLanes = 32 // messages that are sent at once; the outcomes of several are stored together
)

// A job is an item of an event in the outbox.
type job struct {
	event *loadedEvent
	item  int
	id    account.UserID
}

// A loadedEvent is an event of the outbox in memory.
type loadedEvent struct {
	records.Pending
	left   int // items that are neither delivered nor given up
	active int // of them, those that are jobs
}

// A chain is the jobs of an account, oldest first.
type chain struct {
	id   account.UserID
	jobs []*job // the first one is ready, is being sent, or has an outcome that is not stored yet
}

// An outcome is the end of the attempt of a job.
type outcome struct {
	job  *job
	dead *records.DeadLetter // the job was given up
	kept bool                // the attempt failed, and there will be another one
}

// A run is a pass over the outbox. Its goroutine is that of the endpoint; senders only send.
type run struct {
	e       *endpoint
	ctx     context.Context
	w       *records.Webhook
	app     *account.App
	events  map[string]*loadedEvent // events with jobs, by key
	chains  map[account.UserID]*chain
	held    map[account.UserID]bool // accounts that wait, whose events the run leaves alone
	ready   []*chain
	sending int
	ended   chan attempted // attempts that have ended
	loaded  int            // jobs in memory
	stopped bool           // no further attempt begins
	single  bool           // the run is a probe
	gone    bool           // the receiver wants no more webhooks
	stored  int            // jobs that are done in this pass
	total   int            // items that the pass has seen
	oldest  time.Time      // of the events that the pass has seen and not removed
	reading time.Duration  // time that the outbox took

	attempts, delivered int // of the run
}

// An attempted is an attempt of a job that has ended.
type attempted struct {
	*job
	message *message // nil if nothing had to be sent
	result
}

// deliver makes a pass over the outbox.
func (e *endpoint) deliver(ctx context.Context) error {
	e.pass++
	r, err := e.newRun(ctx)
	if r == nil || err != nil {
		return err
	}
	err = r.readAll()
	r.stopped = r.stopped || err != nil
	if err := cmp.Or(err, r.drain()); err != nil {
		return err
	}
	e.reading = r.reading
	for id, w := range e.waiting {
		if w.pass != e.pass && !r.stopped { // its events were removed
			delete(e.waiting, id)
		}
	}
	e.measure(r.total-r.stored, r.oldest)
	return e.decide(ctx, r)
}

// newRun returns a run. It returns nil if the app was deleted.
func (e *endpoint) newRun(ctx context.Context) (*run, error) {
	w, err := e.s.records.Webhook(ctx, e.app)
	if err != nil {
		return nil, err
	}
	app, err := e.s.dir.App(ctx, e.app)
	if account.CodeOf(err) == account.NoApp {
		return nil, nil
	}
	return &run{
		e: e, ctx: ctx, w: w, app: app, events: map[string]*loadedEvent{}, chains: map[account.UserID]*chain{}, held: map[account.UserID]bool{},
		ended: make(chan attempted, reliableLanes),
	}, err
}

// measure notes what is left in the outbox.
func (e *endpoint) measure(kept int, oldest time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept, e.oldest = kept, oldest
}

// decide pauses or ends the endpoint after a pass if that is due.
func (e *endpoint) decide(ctx context.Context, r *run) error {
	switch {
	case r.gone:
		return e.end(ctx, r.w)
	case e.failures >= maxFailures || len(e.waiting) > maxWaiting:
		return e.pause(ctx)
	}
	return nil
}

// end ends the webhook w, whose receiver is gone.
func (e *endpoint) end(ctx context.Context, w *records.Webhook) error {
	by := e.s.dir.Entry(ctx, directory.ServerActor, "webhook.end", e.app, "the receiver answered HTTP 410")
	if err := e.s.records.EndWebhook(ctx, w, e.s.now(), by); err != nil {
		return err
	}
	e.s.lg.Warn("webhook ended, because its receiver answered HTTP 410; set it again to go on", e.attr())
	e.again = true
	return nil
}

// readAll reads the outbox and begins to send. It is called again if events come while
// others are being sent.
func (r *run) readAll() error {
	r.total, r.stored, r.oldest = 0, 0, time.Time{}
	for after := ""; !r.stopped; {
		begin := time.Now()
		page, next, err := r.e.s.records.PendingAfter(r.ctx, r.e.app, after, pageEvents, r.knows)
		r.reading += time.Since(begin)
		if err != nil {
			return err
		}
		for i := range page {
			if err := r.load(&page[i]); err != nil {
				return err
			}
		}
		for r.loaded > maxLoaded && !r.stopped {
			if err := r.step(nil); err != nil {
				return err
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
	return nil
}

// knows reports whether the event with a key is in memory.
func (r *run) knows(key string) bool { return r.events[key] != nil }

// load adds the items of an event to the chains of their accounts.
func (r *run) load(p *records.Pending) error {
	if known := r.events[p.Key]; known != nil {
		r.total += known.left
		return nil
	}
	event := &loadedEvent{Pending: *p}
	for i := range items(&p.Event) {
		id := accountOf(&p.Event, i)
		if id == "" && p.Event.Kind != account.EventAlert {
			continue // it is done
		}
		event.left++
		if r.holds(id) {
			r.see(event.Queued)
			continue
		}
		event.active++
		r.add(&job{event, i, id})
	}
	if r.total += event.left; event.left == 0 {
		return r.e.s.records.RemovePending(r.ctx, p.Key)
	}
	if event.active > 0 {
		r.events[p.Key] = event
	}
	r.send()
	return nil
}

// holds reports whether an account waits for its next attempt. If it does once, it does
// until the end of the run. Otherwise a later event of the account could be loaded without
// an earlier one.
func (r *run) holds(id account.UserID) bool {
	w := r.e.waiting[id]
	if w == nil {
		return r.held[id]
	}
	w.pass = r.e.pass
	if r.chains[id] == nil && time.Now().Before(w.next) {
		r.held[id] = true
	}
	return r.held[id]
}

// see notes an event that remains.
func (r *run) see(queued time.Time) {
	if r.oldest.IsZero() || queued.Before(r.oldest) {
		r.oldest = queued
	}
}

// add appends a job to the chain of its account.
func (r *run) add(j *job) {
	c := r.chains[j.id]
	if c == nil {
		c = &chain{id: j.id}
		r.chains[j.id] = c
	}
	c.jobs = append(c.jobs, j)
	r.loaded++
	if len(c.jobs) == 1 {
		r.ready = append(r.ready, c)
	}
}

// send sends the first jobs of chains that are ready, as far as there is room.
func (r *run) send() {
	for r.sending < reliableLanes && len(r.ready) > 0 && !r.stopped {
		j := r.ready[0].jobs[0]
		r.ready = r.ready[1:]
		r.sending++
		var m *message
		if sends(r.w, j.event.Event.Kind) {
			m = newMessage(r.w, r.app, &j.event.Event, j.item)
		}
		if m == nil {
			r.ended <- attempted{job: j} // there is room for each sender
			continue
		}
		m.id = messageID(j.event.Key, j.item)
		go func() { r.ended <- attempted{j, m, r.e.s.send(r.ctx, r.w, m, reliableTimeout)} }()
	}
}

// step waits for the end of an attempt, and stores the outcomes of all that have ended. If
// wake comes first, it reads the outbox again.
func (r *run) step(wake <-chan struct{}) error {
	if r.send(); r.sending == 0 {
		return nil
	}
	var ended []attempted
	select {
	case a := <-r.ended:
		ended = append(ended, a)
	case <-wake:
		return r.readAll()
	}
	for more := true; more && len(ended) < min(r.sending, maxBatch); {
		select {
		case a := <-r.ended:
			ended = append(ended, a)
		default:
			more = false
		}
	}
	r.sending -= len(ended)
	if !slices.ContainsFunc(ended, func(a attempted) bool { return a.message != nil && !a.ok() }) {
		r.send() // while the outcomes are being stored
	}
	return r.finish(ended)
}

// finish stores the outcomes of attempts, and lets the next jobs of their accounts follow.
// After the end of ctx it only stores what was delivered.
func (r *run) finish(ended []attempted) error {
	ctx, over := r.ctx, r.ctx.Err()
	if over != nil {
		r.stopped = true
		ended = slices.DeleteFunc(ended, func(a attempted) bool { return a.message != nil && !a.ok() })
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookup)
		defer cancel()
		ctx = within
	}
	var outcomes []outcome
	for _, a := range ended {
		outcomes = append(outcomes, r.judge(a))
	}
	if err := r.store(ctx, outcomes); err != nil {
		r.stopped = true
		return err
	}
	for _, o := range outcomes {
		r.advance(o)
	}
	return over
}

// drain waits until all jobs of the run have ended.
func (r *run) drain() (err error) {
	for r.sending > 0 || len(r.ready) > 0 && !r.stopped {
		wake := r.e.wake
		if r.stopped || r.single || r.heldDue() {
			wake = nil
		}
		if e := r.step(wake); e != nil {
			r.stopped = true
			err = cmp.Or(err, e)
		}
	}
	for _, c := range r.chains { // of a run that was stopped
		for _, j := range c.jobs {
			r.see(j.event.Queued)
		}
	}
	return err
}

// heldDue reports whether the wait of an account that the run leaves alone is over. The run
// then takes no further events, so that it ends.
func (r *run) heldDue() bool {
	now := time.Now()
	for id := range r.held {
		if w := r.e.waiting[id]; w == nil || !now.Before(w.next) {
			return true
		}
	}
	return false
}

// judge returns the outcome of an attempt.
func (r *run) judge(a attempted) outcome {
	if a.message == nil {
		return outcome{job: a.job}
	}
	e, s := r.e, r.e.s
	r.attempts++
	n := 1
	if w := e.waiting[a.id]; w != nil {
		n = w.attempts + 1
	}
	o := outcome{job: a.job}
	text := Delivered
	switch {
	case a.ok():
		r.delivered++
		e.delivered(a.id)
	case a.gone():
		r.gone, r.stopped = true, true
		o.kept, text = true, Failed
	default:
		s.logFailure(e.app, a.message, &a.result)
		o.kept, text = e.failed(a.id, a.event.Queued, &a.result), Failed
		if !o.kept {
			o.dead, text = r.deadLetter(a.job, a.reason), Dead
		}
		r.stopped = r.stopped || e.failures >= maxFailures || a.retryAfter > 0 || len(e.waiting) > maxWaiting
	}
	s.metrics.WebhookSent(string(records.WebhookReliable), text, a.took)
	s.o.Sent(e.app, a.ok())
	s.recent.add(e.app, s.attempt(a.message, &a.result, n))
	return o
}

// deadLetter returns the dead letter of a job.
func (r *run) deadLetter(j *job, reason string) *records.DeadLetter {
	d := &records.DeadLetter{Pending: j.event.Key, Item: j.item, Event: j.event.Event, Queued: j.event.Queued, Died: account.Millis(r.e.s.now()), Reason: reason}
	if d.Event.Items = nil; j.event.Event.Kind != account.EventAlert {
		d.Event.Items = []account.EventItem{j.event.Event.Items[j.item]}
	}
	return d
}

// store stores outcomes in the outbox. If that fails, their jobs are not done.
func (r *run) store(ctx context.Context, outcomes []outcome) error {
	var p records.Progress
	var undo []func()
	left := map[*loadedEvent]bool{}
	for _, o := range outcomes {
		if o.kept {
			continue
		}
		ev := o.job.event
		if o.dead != nil {
			p.Dead = append(p.Dead, *o.dead)
		}
		undo = append(undo, r.done(o.job))
		if ev.left > 0 {
			left[ev] = true
			continue
		}
		delete(left, ev)
		p.Done = append(p.Done, ev.Key)
	}
	for ev := range left {
		p.Left = append(p.Left, &ev.Pending)
	}
	if p.Empty() {
		return nil
	}
	if err := r.e.s.records.CommitDelivery(ctx, p); err != nil {
		for _, back := range undo {
			back()
		}
		return err
	}
	return r.e.buried(ctx, len(p.Dead))
}

// done takes a job out of its event, as if its outcome were stored already. undo takes that
// back.
func (r *run) done(j *job) (undo func()) {
	ev, item := j.event, account.EventItem{}
	if ev.Event.Kind != account.EventAlert {
		item, ev.Event.Items[j.item] = ev.Event.Items[j.item], item
	}
	ev.left--
	r.stored++
	return func() {
		if ev.Event.Kind != account.EventAlert {
			ev.Event.Items[j.item] = item
		}
		ev.left++
		r.stored--
	}
}

// advance lets the next job of an account follow, or drops the others if the account waits.
func (r *run) advance(o outcome) {
	c := r.chains[o.job.id]
	if !o.kept {
		r.release(c.jobs[0])
		if c.jobs = c.jobs[1:]; len(c.jobs) > 0 {
			r.ready = append(r.ready, c)
		} else {
			delete(r.chains, c.id)
		}
		return
	}
	for _, j := range c.jobs {
		r.see(j.event.Queued)
		r.release(j)
	}
	r.held[c.id] = true
	delete(r.chains, c.id)
}

// release forgets a job.
func (r *run) release(j *job) {
	r.loaded--
	if j.event.active--; j.event.active == 0 {
		delete(r.events, j.event.Key)
	}
}

// buried counts n new dead letters, and drops the oldest ones if there are too many.
func (e *endpoint) buried(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	e.s.lg.Warn("webhooks given up; \"rollcall webhook deliveries\" lists them, and \"rollcall webhook replay\" sends them again", e.attr(), slog.Int("events", n))
	if e.dead += n; e.dead >= n && e.dead <= maxDead+maxDeadSlack {
		return nil
	}
	list, err := e.s.deadLetters(ctx, e.app)
	if e.dead = len(list); err != nil || e.dead <= maxDead {
		return err
	}
	over := e.dead - maxDead
	for part := range slices.Chunk(list[:over], account.MaxWrites) {
		if err := e.s.records.RemoveDeadLetters(ctx, part...); err != nil {
			return err
		}
	}
	e.dead = maxDead
	e.s.metrics.WebhookLost(LostDropped, over)
	e.s.lg.Warn("dead letters of a webhook dropped, because there are too many", e.attr(), slog.Int("events", over))
	_, err = e.s.records.ChangeWebhookState(ctx, e.app, func(st *records.WebhookState) { st.Dropped += int64(over) })
	return err
}

// deadLetters returns all dead letters of an app, oldest first. There are about maxDead of
// them at most.
func (s *Service) deadLetters(ctx context.Context, app account.AppID) (list []*records.DeadLetter, err error) {
	for {
		var last *records.DeadLetter
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		page, err := s.records.DeadLetters(ctx, app, last, account.MaxListLimit)
		if list = append(list, page...); err != nil || len(page) < account.MaxListLimit {
			return list, err
		}
	}
}
