package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rollcall/bench/measure"
	"rollcall/internal/loadgen"
	"rollcall/usersig"
)

// rollcall is Rollcall as released. Authentication, validation, metrics and the
// request log are on. The rate limits of its demo app are in shadow mode.
type rollcall struct {
	process
	hasTest bool // see createTest
	context struct {
		SDKAppID   uint32 `json:"sdkappid"`
		Key        string `json:"key"`
		Admin      string `json:"admin"`
		AdminToken string `json:"admin_token"`
	}
	credentials loadgen.Credentials
}

// validity is the validity of the signature of a round. It is longer than any
// round.
const validity = 24 * time.Hour

func newRollcall(binary, dir string, args ...string) *rollcall {
	r := &rollcall{process: process{
		dir:  dir,
		args: append([]string{binary, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--link-address-limit", "1000000", "--webhook-allow-networks", "127.0.0.0/8"}, args...), keeps: true,
	}}
	r.url = func(line string) (string, bool) {
		_, url, ok := strings.Cut(line, " is ready on ")
		return url, ok
	}
	return r
}

func (r *rollcall) start(ctx context.Context) error {
	if err := r.process.start(ctx); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(r.dir, "context.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &r.context); err != nil {
		return err
	}
	r.credentials = loadgen.Credentials{SDKAppID: r.context.SDKAppID, Admin: r.context.Admin}
	r.credentials.UserSig, err = usersig.Sign(usersig.HMACKey(r.context.Key), usersig.Claims{
		SDKAppID: r.context.SDKAppID, Identifier: r.context.Admin, Validity: validity,
	})
	if err != nil || r.context.AdminToken == "" {
		return err
	}
	return r.endTest(ctx)
}

// defersFor returns slightly more than the 4 s that the store may wait after a
// change before it flushes the end of its journal and compacts its tables.
// Between the parts of one load there is no such pause.
func (r *rollcall) defersFor(workload string) time.Duration {
	switch workload {
	case stepLoad, stepExport, loadgen.Check, loadgen.CheckOne, loadgen.PortraitGet, loadgen.List, loadgen.Status:
		return quietLook
	}
	return 5 * time.Second
}

// errNoAdminAPI means that the context of the server contains no token of the
// admin API, which listing accounts needs.
var errNoAdminAPI = errors.New("the server's context names no token of the admin API")

func (r *rollcall) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	switch o.Workload {
	case stepLogin:
		return r.logIn(ctx)
	case stepKick:
		return r.kickAll(ctx)
	case stepFaithful, stepReliable:
		return r.deliver(ctx, o.Workload)
	}
	streams := o.Workload == stepStream || o.Workload == stepExport
	w, _ := loadgen.Find(o.Workload)
	if (streams || w.NeedsToken()) && r.context.AdminToken == "" {
		return nil, errNoAdminAPI
	}
	if streams {
		return r.stream(ctx, o)
	}
	o.Credentials, o.AdminToken = r.credentials, r.context.AdminToken
	if o.Workload == loadgen.LoginOne {
		o.Credentials.SDKAppID, o.Accounts = testApp, testAccounts
	}
	return r.process.load(ctx, o)
}

// streamSalt is the salt of the accounts of [stepStream], which no other workload uses.
const streamSalt = 1 << 32

// stream imports o.Accounts new accounts with one call, or exports all accounts.
func (r *rollcall) stream(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	s := loadgen.Stream{URL: r.address, Token: r.context.AdminToken, SDKAppID: r.context.SDKAppID}
	run := loadgen.StreamOut
	if o.Workload == stepStream {
		run = loadgen.StreamIn
		s.Rows, s.Key, s.Salt = o.Accounts, "bench", streamSalt
	}
	res, err := run(ctx, s)
	if res != nil {
		res.Workload = o.Workload
	}
	return res, err
}

// Facts are the measurements of Rollcall other than rates.
type Facts struct {
	Accounts  int64         `json:"accounts"`
	BaseRSS   int64         `json:"base_rss"`   // bytes; without accounts, after some load
	LoadedRSS int64         `json:"loaded_rss"` // bytes; after loading and settling
	FreshRSS  int64         `json:"fresh_rss"`  // bytes; after a restart and settling
	Disk      int64         `json:"disk"`       // bytes; after loading and settling
	Start     time.Duration `json:"start_ns"`   // from the start of the program to the first response, after a clean stop
	KillStart time.Duration `json:"kill_start_ns"`
	Gap       time.Duration `json:"gap_ns"`   // longest time without a response while loading
	Links     int64         `json:"links"`    // idle links
	LinkRSS   int64         `json:"link_rss"` // bytes; with them, above that without them
}

// size records the size of the data once the server has settled.
func (r *rollcall) size(f *Facts) (err error) {
	if f.LoadedRSS, err = measure.RSS(r.cmd.Process.Pid); err != nil {
		return err
	}
	f.Disk, err = measure.DiskBytes(r.dir)
	return err
}

// restart stops the server with a signal that lets it finish and with one that
// does not. It records how long the server takes to respond again.
func (r *rollcall) restart(ctx context.Context, o loadgen.Options, f *Facts) error {
	for _, way := range []struct {
		sig  os.Signal
		took *time.Duration
	}{{syscall.SIGKILL, &f.KillStart}, {syscall.SIGTERM, &f.Start}} {
		if err := r.end(way.sig); err != nil {
			return err
		}
		began := time.Now()
		if err := r.launch(ctx); err != nil {
			return err
		}
		o.Workload, o.Calls, o.Connections, o.Duration = loadgen.Check, 1, 1, 0
		if _, err := r.load(ctx, o); err != nil {
			return fmt.Errorf("after a restart: %w", err)
		}
		*way.took = time.Since(began)
	}
	return nil
}
