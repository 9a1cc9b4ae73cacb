package api

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
)

// A hungEngine does not return from one of its methods until the context ends.
type hungEngine struct {
	account.Engine
	apps bool // Records hangs, not Watermark
}

func (e hungEngine) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	if !e.apps {
		return e.Engine.Records(ctx, q)
	}
	<-ctx.Done()
	return account.RecordPage{}, account.Ended(ctx)
}

func (e hungEngine) Watermark(ctx context.Context, _ account.AppID, _ account.UserID) (int64, error) {
	<-ctx.Done()
	return 0, account.Ended(ctx)
}

// TestGateHasDeadline checks that a call ends in time at the gate if the store
// hangs, either for the app or for the caller's account.
func TestGateHasDeadline(t *testing.T) {
	for _, apps := range []bool{true, false} {
		f := newFixture(t, account.App{ID: plainApp})
		f.dir = directory.New(directory.Options{Engine: hungEngine{f.store, apps}, Clock: func(account.AppID) time.Time { return f.time }})
		f.auth = auth.New(f.dir)
		query := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got := f.post(t, request("POST", "/v4/im_open_login_svc/account_check", query, checkBody))
			if took := time.Since(start); *got.ErrorCode != 70169 || took != Timeout {
				t.Errorf("the app hangs %v: code %d after %v, want 70169 after %v", apps, *got.ErrorCode, took, Timeout)
			}
		})
	}
}

// A slowReader returns its data after a delay.
type slowReader struct {
	wait time.Duration
	io.Reader
}

func (r *slowReader) Read(p []byte) (int, error) {
	time.Sleep(r.wait)
	r.wait = 0
	return r.Reader.Read(p)
}

// TestSlowBodyHasTime checks that the time of a slow body does not count for
// its command.
func TestSlowBodyHasTime(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp})
	query := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
	synctest.Test(t, func(t *testing.T) {
		r := request("POST", "/v4/im_open_login_svc/account_check", query, "")
		r.Body = io.NopCloser(&slowReader{Timeout + time.Second, strings.NewReader(checkBody)})
		if got := f.post(t, r); *got.ErrorCode != 0 {
			t.Errorf("code %d for a body that came after %v", *got.ErrorCode, Timeout+time.Second)
		}
	})
}

// TestPlacesAreOfApps occupies every place that one app may have:
//   - More calls of that app wait in vain.
//   - Calls of another app are served.
//   - A caller who names the app without a valid UserSig is refused for that
//     reason.
func TestPlacesAreOfApps(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp}, account.App{ID: listedApp})
	f.inFlight = NewInFlight(16)
	for range 14 {
		if err := f.inFlight.Enter(t.Context(), uint32(plainApp)); err != nil {
			t.Fatal(err)
		}
	}
	now := f.time.Unix()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			app   account.AppID
			key   string
			want  int
			after time.Duration
		}{
			{"another call of the app", plainApp, testKey, 70169, MaxWait},
			{"another app", listedApp, testKey, 0, 0},
			{"a stranger", plainApp, "other", 70009, 0},
		} {
			start := time.Now()
			query := params(tt.app, "administrator", sign(t, tt.key, tt.app, "administrator", now))
			got := f.post(t, request("POST", "/v4/im_open_login_svc/account_check", query, checkBody))
			if took := time.Since(start); *got.ErrorCode != tt.want || took != tt.after {
				t.Errorf("%s: code %d after %v, want %d after %v", tt.name, *got.ErrorCode, took, tt.want, tt.after)
			}
		}
	})
}
