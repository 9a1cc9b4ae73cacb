package bulk

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/records"
)

// Options configure a Service. Directory, Records and Reason are required.
type Options struct {
	Directory *directory.Directory
	Records   *records.Registry // of the same engine
	Logger    *slog.Logger      // nil logs nothing

	// Reason returns the number and the text of a refused account.
	Reason func(account.Code, string) (int, string)

	// ImportDir is the directory of the files of jobs. Empty allows none.
	ImportDir string

	// SpoolDir is the directory of uploaded files, which is created if it does not exist.
	// Empty allows no uploads. MaxUpload is the size of the largest upload in bytes. Free
	// returns the free space of the disk of a directory in bytes, of which an upload leaves
	// 1 GiB.
	SpoolDir  string
	MaxUpload int64
	Free      func(dir string) (uint64, error)

	// Shared says that other processes use the engine too. Without it, every task of
	// another process has ended.
	Shared bool

	// Node is the name of this process among those that share the engine. It stays the same
	// as long as the files in SpoolDir do. Empty creates one. A job is worked on by the node
	// that has its file.
	Node string

	Now func() time.Time // nil is time.Now
}

// maxStreams is how many streams a server takes at once. Each needs up to 20 MiB.
const maxStreams = 8

// A Service imports accounts in bulk. It is safe for concurrent use.
type Service struct {
	dir     *directory.Directory
	records *records.Registry
	o       Options
	node    string
	lg      *slog.Logger
	reason  func(account.Code, string) (int, string)
	now     func() time.Time
	streams chan struct{} // contains one for each stream
	wake    chan struct{} // contains one if there may be a job to do
	rows    int           // most rows of a chunk; maxChunkRows, except in tests
	poll    time.Duration // pollEvery, except in tests
	silence time.Duration // maxSilence, except in tests

	mu      sync.Mutex
	running map[string]*run // by the ID of the import
}

// New returns a Service. Its jobs wait for [Service.Run].
func New(o Options) *Service {
	s := &Service{
		dir: o.Directory, records: o.Records, o: o, node: rand.Text(), lg: o.Logger, reason: o.Reason, now: o.Now,
		streams: make(chan struct{}, maxStreams), wake: make(chan struct{}, 1), running: map[string]*run{}, rows: maxChunkRows, poll: pollEvery, silence: maxSilence,
	}
	if s.lg == nil {
		s.lg = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.o.Node == "" {
		s.o.Node = s.node
	}
	return s
}

// notify lets Run look for a job.
func (s *Service) notify() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// app returns the app of an import. Codes: NoApp, also if the app was created after it.
func (s *Service) app(ctx context.Context, i *records.Import) (*account.App, error) {
	app, err := s.dir.App(ctx, i.App)
	if err == nil && !app.Created.Equal(i.AppCreated) {
		err = &account.Error{Code: account.NoApp, Detail: "the app was deleted during the import, and another one has its number"}
	}
	return app, err
}

var errNoImport error = &account.Error{Code: account.NoImport, Detail: "the app has no import with that key"}

// find returns the import of a key. Codes: NoApp, NoImport.
func (s *Service) find(ctx context.Context, app account.AppID, key string) (*records.Import, error) {
	if _, err := s.dir.App(ctx, app); err != nil {
		return nil, err
	}
	i, err := s.records.Import(ctx, app, key)
	if err == nil {
		_, err = s.app(ctx, i)
	}
	if code := account.CodeOf(err); code == account.NoRecord || code == account.NoApp {
		return nil, errNoImport
	}
	return i, err
}

// Import returns an import. Codes: NoApp, NoImport.
func (s *Service) Import(ctx context.Context, app account.AppID, key string) (*adminapi.Import, error) {
	i, err := s.find(ctx, app, key)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, i)
}

// Imports returns a page of the imports of an app, in the order of their keys, and the
// value of after for the next page. Codes: NoApp.
func (s *Service) Imports(ctx context.Context, id account.AppID, after string, limit int) (page []adminapi.Import, next string, err error) {
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return nil, "", err
	}
	list, next, err := s.records.Imports(ctx, id, after, limit)
	if err != nil {
		return nil, "", err
	}
	page = make([]adminapi.Import, 0, len(list))
	for _, i := range list {
		if !i.AppCreated.Equal(app.Created) {
			continue
		}
		shown, err := s.show(ctx, i)
		if err != nil {
			return nil, "", err
		}
		page = append(page, *shown)
	}
	return page, next, nil
}

// Rejected returns rejections of an import after a row, in their order. Codes: NoApp,
// NoImport.
func (s *Service) Rejected(ctx context.Context, app account.AppID, key string, after int64, limit int) ([]adminapi.ImportRejection, error) {
	i, err := s.find(ctx, app, key)
	if err != nil {
		return nil, err
	}
	rs, err := s.records.Rejected(ctx, i, after, limit)
	if err != nil {
		return nil, err
	}
	shown := make([]adminapi.ImportRejection, len(rs))
	for j, r := range rs {
		shown[j] = adminapi.ImportRejection{Row: r.Row, Line: r.Line, UserID: r.UserID, Code: r.Code, Reason: r.Reason}
	}
	return shown, nil
}

// show returns an import as the API shows it.
func (s *Service) show(ctx context.Context, i *records.Import) (*adminapi.Import, error) {
	p, err := s.records.Progress(ctx, i)
	if err != nil {
		return nil, err
	}
	shown := s.showAt(i, p)
	s.mu.Lock()
	r := s.running[i.ID]
	s.mu.Unlock()
	if r != nil && i.Ended == "" {
		r.measure(shown, s.now())
	}
	return shown, nil
}

// showAt returns an import with a progress as the API shows it.
func (s *Service) showAt(i *records.Import, p records.ImportProgress) *adminapi.Import {
	shown := &adminapi.Import{
		Key: i.Key, State: s.state(i), Job: i.Job != nil, Row: p.Row, Imported: p.Imported, Created: p.Created, Failed: p.Failed, Skipped: p.Row - p.Imported - p.Failed,
		Rate: i.Rate, Error: i.Error, Actor: i.Actor, CreatedAt: i.Created, UpdatedAt: latest(i.Created, p.At, i.Finished), FinishedAt: i.Finished,
	}
	if i.Job != nil {
		shown.File, shown.Node = i.Job.File, i.Job.Node
	}
	return shown
}

func latest(ts ...time.Time) (last time.Time) {
	for _, t := range ts {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// state returns the state of an import.
func (s *Service) state(i *records.Import) string {
	switch {
	case i.Ended != "":
		return i.Ended
	case i.Pause:
		return adminapi.ImportPaused
	case i.Job == nil:
		return adminapi.ImportOpen
	case s.owned(i):
		return adminapi.ImportRunning
	}
	return adminapi.ImportQueued
}

// owned reports whether a task works on an import.
func (s *Service) owned(i *records.Import) bool {
	return i.Owner != "" && (s.o.Shared || s.ours(i)) && s.now().Before(i.Until)
}

// ours reports whether the task of an import is one of this node.
func (s *Service) ours(i *records.Import) bool {
	return len(i.Owner) > len(s.node) && i.Owner[:len(s.node)] == s.node
}

// Pause stops an import until it is resumed. Codes: NoApp, NoImport, Conflict.
func (s *Service) Pause(ctx context.Context, actor string, app account.AppID, key string) (*adminapi.Import, error) {
	return s.change(ctx, caller{actor, app, key}, "import.pause", func(i *records.Import) { i.Pause = true })
}

// Resume lets a paused import go on. Codes: NoApp, NoImport, Conflict.
func (s *Service) Resume(ctx context.Context, actor string, app account.AppID, key string) (*adminapi.Import, error) {
	return s.change(ctx, caller{actor, app, key}, "import.resume", func(i *records.Import) { i.Pause = false })
}

// SetRate limits an import to a number of rows per second. 0 is no limit. Codes: NoApp,
// NoImport, Conflict.
func (s *Service) SetRate(ctx context.Context, actor string, app account.AppID, key string, rate int64) (*adminapi.Import, error) {
	return s.change(ctx, caller{actor, app, key}, "import.rate", func(i *records.Import) { i.Rate = rate })
}

// Cancel ends an import. What is imported stays. An import that is canceled already is
// returned as it is. Codes: NoApp, NoImport, Conflict.
func (s *Service) Cancel(ctx context.Context, actor string, app account.AppID, key string) (*adminapi.Import, error) {
	i, err := s.find(ctx, app, key)
	if err == nil && i.Ended == adminapi.ImportCanceled {
		return s.show(ctx, i)
	}
	shown, err := s.change(ctx, caller{actor, app, key}, "import.cancel", func(i *records.Import) {
		i.Ended, i.Finished, i.Owner, i.Until = adminapi.ImportCanceled, account.Millis(s.now()), "", time.Time{}
	})
	if err == nil {
		s.dropUpload(i)
	}
	return shown, err
}

// A caller names the import that a call changes, and who makes the call.
type caller struct {
	actor string
	app   account.AppID
	key   string
}

// change changes an import that has not ended, and wakes the task that works on it.
func (s *Service) change(ctx context.Context, c caller, action string, fn func(*records.Import)) (*adminapi.Import, error) {
	i, err := s.find(ctx, c.app, c.key)
	if err != nil {
		return nil, err
	}
	by := s.dir.Entry(ctx, c.actor, action, c.app, c.key)
	changed, err := s.records.ChangeImport(ctx, i, func(i *records.Import) error {
		if i.Ended != "" {
			return &account.Error{Code: account.Conflict, Detail: "the import has ended already (" + i.Ended + "); nothing can change it"}
		}
		fn(i)
		return nil
	}, &by)
	if account.CodeOf(err) == account.NoRecord {
		err = errNoImport
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	r := s.running[i.ID]
	s.mu.Unlock()
	if r != nil {
		r.changed()
	}
	s.notify()
	return s.show(ctx, changed)
}

// CheckKey returns an error with Code BadParameter unless key can be that of an import.
func CheckKey(key string) error {
	ok := len(key) >= 1 && len(key) <= 64 && key[0] != '.'
	for i := range len(key) {
		c := key[i]
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if !ok {
		return &account.Error{Code: account.BadParameter, Detail: "the key of an import has 1 to 64 letters, digits, -, _ and ., and does not begin with ."}
	}
	return nil
}

// newID returns an ID for an import, or a key.
func newID() string { return strings.ToLower(rand.Text()) }

// begin creates the import of a key with the ID newID, or returns the one that exists.
func (s *Service) begin(ctx context.Context, c caller, job *records.ImportJob, newID string) (*records.Import, error) {
	actor, id, key := c.actor, c.app, c.key
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	for {
		app, err := s.dir.App(ctx, id)
		if err != nil {
			return nil, err
		}
		i, err := s.records.Import(ctx, id, key)
		switch {
		case err == nil && i.AppCreated.Equal(app.Created):
			return i, nil
		case err == nil: // of an app that was deleted
			if _, err := s.records.RemoveImport(ctx, i); err != nil {
				return nil, err
			}
		case account.CodeOf(err) != account.NoRecord:
			return nil, err
		}
		if err := s.makeRoom(ctx, id); err != nil {
			return nil, err
		}
		i = &records.Import{
			App: id, Key: key, ID: newID, Actor: actor, Created: account.Millis(s.now()), AppCreated: app.Created, Job: job,
		}
		err = s.records.CreateImport(ctx, *i, s.dir.Entry(ctx, actor, "import.start", id, startDetail(i)))
		if account.CodeOf(err) == account.Exists {
			continue
		}
		return i, err
	}
}

func startDetail(i *records.Import) string {
	if i.Job == nil {
		return i.Key
	}
	return i.Key + ", from " + account.Quote(i.Job.File)
}

// makeRoom removes the import of an app that ended first, if there are too many.
func (s *Service) makeRoom(ctx context.Context, app account.AppID) error {
	list, _, err := s.records.Imports(ctx, app, "", account.MaxListLimit)
	if err != nil || len(list) < records.MaxImports {
		return err
	}
	var oldest *records.Import
	for _, i := range list {
		if i.Ended != "" && (oldest == nil || i.Finished.Before(oldest.Finished)) {
			oldest = i
		}
	}
	if oldest == nil {
		return &account.Error{Code: account.Conflict, Detail: "the app has too many imports that have not ended; cancel some"}
	}
	_, err = s.records.RemoveImport(ctx, oldest)
	return err
}
