package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/api"
	"rollcall/internal/bulk"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

const (
	appID = 1400000001
	key   = "key"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 123_000_000, time.UTC)

// A bench is a service on an engine that can be opened again.
type bench struct {
	testing.TB
	open    func() account.Engine // opens the same store again
	wrap    func(account.Engine) account.Engine
	o       bulk.Options
	rows    int // of a chunk; 0 for the usual number
	engine  account.Engine
	records *records.Registry
	dir     *directory.Directory
	bulk    *bulk.Service
	app     *account.App
}

// engines open a new store, again and again.
func engines(tb testing.TB) map[string]func() account.Engine {
	dir := filepath.Join(tb.TempDir(), "store")
	kept := new(mem.Store)
	return map[string]func() account.Engine{
		"mem": func() account.Engine { return kept },
		"pebble": func() account.Engine {
			s, err := pebble.Open(tb.Context(), pebble.Options{Dir: dir})
			if err != nil {
				tb.Fatal(err)
			}
			return s
		},
		"postgres": func() account.Engine { return anystore.OpenDir(tb, anystore.Postgres, dir) },
	}
}

// newBench returns a bench with a paid app that has a quota, a word and tags.
func newBench(tb testing.TB, open func() account.Engine) *bench {
	b := &bench{TB: tb, open: open}
	b.start()
	var err error
	b.app, err = b.dir.CreateApp(tb.Context(), "test", account.App{
		ID: appID, Edition: account.Standard, Test: true,
		Settings: account.Settings{
			AllowDelete: true, Quota: 60, Words: []string{"forbidden"}, CustomTags: []account.CustomTag{{Key: "color"}, {Key: "level", Number: true}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) start() {
	b.engine = b.open()
	e := checked.New(b.engine)
	if b.wrap != nil {
		e = b.wrap(e)
	}
	b.records = records.New(e, nil)
	b.dir = directory.New(directory.Options{
		Engine: e, Records: b.records, Clock: func(account.AppID) time.Time { return now }, AllowTestApps: true, Logger: testutil.Logger(b),
	})
	o := b.o
	o.Directory, o.Records, o.Reason, o.Logger = b.dir, b.records, api.ImportReason, testutil.Logger(b)
	b.bulk = bulk.New(o)
	b.bulk.SetPoll(time.Millisecond)
	if b.rows > 0 {
		b.bulk.SetChunkRows(b.rows)
	}
}

// stop ends the process, as it were. A store in memory stays.
func (b *bench) stop() {
	if _, ok := b.engine.(*mem.Store); ok {
		return
	}
	if err := b.engine.Close(); err != nil {
		b.Error(err)
	}
}

func (b *bench) restart() {
	b.stop()
	b.start()
}

// A conn is the connection of a body.
type conn struct {
	began       atomic.Bool
	interrupted chan struct{}
	done        atomic.Bool
}

func newConn() *conn { return &conn{interrupted: make(chan struct{})} }

func (c *conn) Begin() error         { c.began.Store(true); return nil }
func (c *conn) Extend(time.Duration) {}

func (c *conn) Interrupt() {
	if c.done.CompareAndSwap(false, true) {
		close(c.interrupted)
	}
}

// errCut is the error of a body that breaks off.
var errCut = errors.New("cut")

// cut returns a body that breaks off after n bytes, in pieces of random sizes.
func cut(rnd *rand.Rand, body string, n int) io.Reader {
	return &cutReader{rnd, strings.NewReader(body[:n]), n < len(body)}
}

type cutReader struct {
	rnd  *rand.Rand
	rest *strings.Reader
	cut  bool
}

func (c *cutReader) Read(p []byte) (int, error) {
	n, err := c.rest.Read(p[:min(len(p), 1+c.rnd.IntN(200))])
	if err == io.EOF && c.cut {
		err = errCut
	}
	return n, err
}

// stream sends a body.
func (b *bench) stream(from int64, body io.Reader) (*adminapi.Import, error) {
	return b.bulk.Stream(b.Context(), bulk.Stream{App: appID, Key: key, Actor: "test", From: from, Body: body, Conn: newConn()})
}

// imp returns the import.
func (b *bench) imp() *adminapi.Import {
	b.Helper()
	i, err := b.bulk.Import(b.Context(), appID, key)
	if err != nil {
		b.Fatal(err)
	}
	return i
}

// rejected returns every rejection, in pages of a size.
func (b *bench) rejected(size int) (all []adminapi.ImportRejection) {
	b.Helper()
	for after := int64(0); ; {
		page, err := b.bulk.Rejected(b.Context(), appID, key, after, size)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		after = page[size-1].Row
	}
}

// accounts returns every account, without internal ids: they depend on what is created in
// between.
func accounts(tb testing.TB, dir *directory.Directory) (all []account.Account) {
	tb.Helper()
	for q := (account.ListQuery{Limit: account.MaxListLimit}); ; {
		page, err := dir.List(context.WithoutCancel(tb.Context()), appID, q)
		if err != nil {
			tb.Fatal(err)
		}
		for _, a := range page.Accounts {
			a.InternalID = 0
			all = append(all, a)
		}
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

// randomRows returns rows of every kind, one a line.
func randomRows(rnd *rand.Rand, n int) []string {
	rows := make([]string, n)
	for i := range rows {
		id := fmt.Sprintf("u%02d", rnd.IntN(80))
		switch rnd.IntN(16) {
		case 0:
			rows[i] = ""
		case 1:
			rows[i] = "not JSON"
		case 2:
			rows[i] = `{"userid":"@reserved"}`
		case 3:
			rows[i] = fmt.Sprintf(`{"userid":%q,"nick":%q}`, id, strings.Repeat("x", 501))
		case 4:
			rows[i] = fmt.Sprintf(`{"userid":%q,"nick":"a Forbidden word"}`, id)
		case 5:
			rows[i] = fmt.Sprintf(`{"userid":%q,"profile":{"Tag_Profile_Custom_color":"red","Tag_Profile_IM_Level":%d}}`, id, rnd.IntN(9))
		case 6:
			rows[i] = fmt.Sprintf(`{"userid":%q,"nick":"tagged","profile":{"Tag_Profile_Custom_other":"red"}}`, id)
		case 7:
			rows[i] = fmt.Sprintf(`{"userid":%q,"profile":{"Tag_Profile_Custom_level":%d}}`, id, rnd.IntN(9))
		case 8:
			rows[i] = "{\"userid\":\"\xff\"}"
		case 9:
			rows[i] = fmt.Sprintf(`{"userid":%q,"face_url":"http://x/%d"}`+"\r", id, i)
		case 10:
			rows[i] = `{"userid":"gone"}`
		default:
			rows[i] = fmt.Sprintf(`{"userid":%q,"nick":"nick %d"}`, id, i)
		}
	}
	return rows
}
