package conformance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// start is the default clock of a transcript, and the second at which the vendor's
// libraries created the UserSigs in testdata.
var start = time.Unix(1700000000, 0)

// sampleKey is the key in the documents of the vendor's libraries.
const sampleKey = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"

// keys are the keys with which apps verify and transcripts sign.
type keys struct {
	signing    map[string]usersig.Key
	public     string // PEM
	privatePEM []byte
	private    *ecdsa.PrivateKey // the same
}

func newKeys(tb testing.TB) *keys {
	tb.Helper()
	private := newECDSAKey(tb)
	own, public, pemText := encodeKey(tb, private)
	other, _, _ := encodeKey(tb, newECDSAKey(tb))
	old, err := usersig.ParsePrivateKey([]byte(koblitzPrivate))
	if err != nil {
		tb.Fatal(err)
	}
	testutil.Secret(tb, sampleKey, "a key that was retired", string(pemText))
	return &keys{public: public, privatePEM: pemText, private: private, signing: map[string]usersig.Key{
		"hmac":        usersig.HMACKey(sampleKey),
		"old":         usersig.HMACKey("a key that was retired"),
		"other":       usersig.HMACKey("a key that the app never had"),
		"ecdsa":       own,
		"other-ecdsa": other,
		"secp256k1":   old,
	}}
}

func newECDSAKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func encodeKey(tb testing.TB, k *ecdsa.PrivateKey) (key usersig.Key, public string, private []byte) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		tb.Fatal(err)
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if der, err = x509.MarshalPKIXPublicKey(&k.PublicKey); err != nil {
		tb.Fatal(err)
	}
	if key, err = usersig.ParsePrivateKey(private); err != nil {
		tb.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), private
}

// records returns the keys in the form of an app's record.
func (k *keys) records() []account.Key {
	return []account.Key{
		{ID: "hmac", Kind: account.HMACKey, Secret: sampleKey},
		{ID: "old", Kind: account.HMACKey, Secret: "a key that was retired", Retired: start.Add(-time.Hour)},
		{ID: "ecdsa", Kind: account.ECDSAKey, Secret: k.public},
		{ID: "secp256k1", Kind: account.ECDSAKey, Secret: koblitzPublic},
	}
}

// newHandler returns the handler of a server with the setup s.
func newHandler(tb testing.TB, lg *slog.Logger, k *keys, s setup) http.Handler {
	tb.Helper()
	handler, _ := newServer(tb, lg, k, s, nil)
	return handler
}

// newServer returns the handler and the directory of a server with the setup s. It calls
// listen, if there is one, with each event of a login session.
func newServer(tb testing.TB, lg *slog.Logger, k *keys, s setup, listen directory.Sink) (http.Handler, *directory.Directory) {
	tb.Helper()
	store := &faulty{Engine: s.store, code: account.OK}
	registry := records.New(store, nil)
	var count *figures.Figures
	dir := directory.New(directory.Options{
		Engine: store, Records: registry, NewDeviceID: idsOf(s.devices), Logger: lg, Commands: wire.CommandNames(), AllowTestApps: true,
		Tally:  func(app account.AppID, created, deleted int) { count.Accounts(app, created, deleted) },
		Logins: func(app account.AppID, c session.Count) { count.Logins(app, c) },
	})
	count = figures.New(figures.Options{Records: registry, Apps: dir, Node: "test", Logger: lg})
	if err := dir.KeepSessions(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if listen != nil {
		dir.Listen(account.EventState, listen)
	}
	for _, app := range s.apps {
		app.Keys = k.records()
		if _, err := dir.CreateApp(tb.Context(), "test", app); err != nil {
			tb.Fatal(err)
		}
	}
	seed(tb, store, s)
	login(tb, dir, s)
	store.code = s.fault
	set := faults.NewSet()
	for _, f := range s.faults {
		if _, err := set.Add(uint32(defaultApp), f); err != nil {
			tb.Fatal(err)
		}
	}
	srv := api.New(api.Options{Directory: dir, Auth: auth.New(dir), Figures: count, Faults: set})
	return httpx.Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		srv.ServeHTTP(w, r)
		return nil
	}, func(w http.ResponseWriter, r *http.Request, _ error) slog.Level {
		srv.Refuse(w, r)
		return slog.LevelError
	}), dir
}

// seed stores the accounts of s without applying any rules.
func seed(tb testing.TB, store account.Store, s setup) {
	tb.Helper()
	items := make([]account.Upsert, len(s.accounts))
	for i, id := range s.accounts {
		items[i].ID = id
	}
	if _, err := store.Upsert(tb.Context(), s.apps[0].ID, items, account.UpsertPolicy{Now: start}); err != nil {
		tb.Fatal(err)
	}
}

// idsOf returns the IDs of devices, one after the other, and then the numbers after the last
// one.
func idsOf(devices []device) func() uint64 {
	id := uint64(0)
	return func() uint64 {
		id++
		if len(devices) > 0 {
			id, devices = devices[0].id, devices[1:]
		}
		return id
	}
}

// login logs in the devices of s, and sets the custom statuses.
func login(tb testing.TB, dir *directory.Directory, s setup) {
	tb.Helper()
	for _, d := range s.devices {
		in, err := dir.Login(tb.Context(), s.apps[0].ID, d.user, session.Login{Platform: d.platform})
		if err == nil && d.state == "push" {
			err = dir.ChangeDevices(tb.Context(), s.apps[0].ID, d.user, func(ctx context.Context, all *session.Sessions, at session.Target) error {
				return all.Drop(ctx, at, in.Device.ID)
			})
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	for user, text := range s.status {
		err := dir.ChangeDevices(tb.Context(), s.apps[0].ID, user, func(ctx context.Context, all *session.Sessions, at session.Target) error {
			return all.SetStatus(ctx, at, text)
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// faulty is an engine whose calls fail with code, unless code is OK. The calls of the
// gate still succeed, because the request must reach the command.
type faulty struct {
	account.Engine
	code account.Code
}

func (f *faulty) err() error {
	if f.code == account.OK {
		return nil
	}
	return &account.Error{Code: f.code, Err: errors.New("the disk is gone")}
}

func (f *faulty) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Engine.Upsert(ctx, app, items, p)
}

// kindApp is the kind of the records of apps, which the gate reads.
const kindApp account.Kind = 1

func (f *faulty) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	if err := f.err(); err != nil && kind != kindApp {
		return account.Record{}, err
	}
	return f.Engine.Record(ctx, kind, key)
}

func (f *faulty) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	if err := f.err(); err != nil && q.Kind != kindApp {
		return account.RecordPage{}, err
	}
	return f.Engine.Records(ctx, q)
}

func (f *faulty) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Engine.Status(ctx, app, ids)
}

func (f *faulty) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Engine.Lookup(ctx, app, ids)
}

func (f *faulty) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Engine.Update(ctx, app, patches, p)
}

func (f *faulty) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Engine.Delete(ctx, app, ids, p)
}

// A pipe is a listener in memory, which allows running a server in a bubble.
type pipe struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements [net.Listener].
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements [net.Listener].
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// dial returns the client's end of a connection from an address.
func (p *pipe) dial(from net.Addr) net.Conn {
	client, server := net.Pipe()
	p.conns <- sourced{server, from}
	return client
}

// sourced is a connection with a given remote address.
type sourced struct {
	net.Conn
	from net.Addr
}

func (c sourced) RemoteAddr() net.Addr { return c.from }

func (c sourced) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 443} }
