package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// TestClientHangsUp checks that a client that hangs up is not logged as an
// error of the server.
func TestClientHangsUp(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp})
	sig := sign(t, testKey, plainApp, "administrator", f.time.Unix())
	for _, full := range []bool{false, true} {
		if full { // the call must wait for its turn
			f.inFlight = NewInFlight(1)
			if err := f.inFlight.Enter(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := request("POST", "/v4/im_open_login_svc/account_import", "sdkappid=1400000001&identifier=administrator&usersig="+sig, `{"UserID":"a"}`)
		httpx.Handler(slog.New(slog.NewTextHandler(&log, nil)), func(w http.ResponseWriter, r *http.Request) error {
			f.ServeHTTP(w, r)
			return nil
		}, nil).ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		if log.Len() > 0 {
			t.Errorf("every place taken %v: logged above debug: %s", full, log.Bytes())
		}
	}
}
