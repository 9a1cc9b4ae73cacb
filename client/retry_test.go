package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/client"
)

// A script responds to requests one after the other.
type script struct {
	steps []func(*http.Request) (*http.Response, error)
	seen  []*http.Request
	at    []time.Duration // of each request, since the first one
	start time.Time
}

// RoundTrip implements [http.RoundTripper].
func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(s.seen) == 0 {
		s.start = time.Now()
	}
	s.seen = append(s.seen, r)
	s.at = append(s.at, time.Since(s.start))
	if len(s.seen) > len(s.steps) {
		return nil, errors.New("the script is over")
	}
	return s.steps[len(s.seen)-1](r)
}

// code returns a step that responds with an error code.
func code(c client.Code) func(*http.Request) (*http.Response, error) {
	status := "FAIL"
	if c == 0 {
		status = "OK"
	}
	return body(http.StatusOK, fmt.Sprintf(`{"ActionStatus":%q,"ErrorCode":%d,"ErrorInfo":"told"}`, status, c))
}

// body returns a step that responds with a status and a text.
func body(status int, text string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r,
		}, nil
	}
}

// broken returns a step that fails without a response.
func broken(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hang is a step that never responds.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func scripted(t *testing.T, o client.Options, steps ...func(*http.Request) (*http.Response, error)) (*client.Client, *script) {
	t.Helper()
	s := &script{steps: steps}
	o.BaseURL, o.SDKAppID, o.HTTPClient = "https://api.example.com", 1400000000, s.client()
	if o.Signer == nil {
		o.Key = "the secret of one app"
	}
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestRetries(t *testing.T) {
	reset := errors.New("connection reset by peer")
	unknownCA := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	tests := []struct {
		name  string
		o     client.Options
		steps []func(*http.Request) (*http.Response, error)
		want  string // in the error; "" for no error
		tries int
		least time.Duration // until the last request
		most  time.Duration
	}{
		{"ok", client.Options{}, steps(code(0)), "", 1, 0, 0},
		{"yes", client.Options{}, steps(code(70500), code(70169), code(0)), "", 3, 1, 600 * time.Millisecond},
		{"slow", client.Options{}, steps(code(60007), code(60011), code(0)), "", 3, 3 * time.Second, 6 * time.Second},
		{"no", client.Options{}, steps(code(70398)), "70398", 1, 0, 0},
		{"unknown code", client.Options{}, steps(code(12345)), "12345", 1, 0, 0},
		{"after a minute", client.Options{}, steps(code(70050)), "70050", 1, 0, 0},
		{"expired", client.Options{}, steps(code(70001), code(0)), "", 2, 0, 0},
		{"kicked", client.Options{}, steps(code(70052), code(0)), "", 2, 0, 0},
		{"expired twice", client.Options{}, steps(code(70001), code(70001)), "70001", 2, 0, 0},
		{"expired, then busy, then expired", client.Options{}, steps(code(70001), code(70500), code(70052)), "70052", 3, 1, 200 * time.Millisecond},
		{"reset", client.Options{}, steps(broken(reset), code(0)), "", 2, 1, 200 * time.Millisecond},
		{"bad gateway", client.Options{}, steps(body(502, "<html>"), body(503, ""), code(0)), "", 3, 1, 600 * time.Millisecond},
		{"not found", client.Options{}, steps(body(404, "<html>")), "HTTP status 404", 1, 0, 0},
		{"redirect", client.Options{}, steps(body(301, "")), "HTTP status 301", 1, 0, 0},
		{"another service", client.Options{}, steps(body(200, `{"ok":true}`)), "is BaseURL right?", 1, 0, 0},
		{"unknown authority", client.Options{}, steps(broken(unknownCA)), "unknown authority", 1, 0, 0},
		{"for ever", client.Options{}, steps(code(70500), code(70500), code(70500), code(70500), code(70500)), "70500", 5, 1, 3 * time.Second},
		{"once", client.Options{Retries: 1}, steps(code(70500), code(70500)), "70500", 2, 1, 200 * time.Millisecond},
		{"never", client.Options{Retries: -1}, steps(code(70500)), "70500", 1, 0, 0},
		{"attempts that hang", client.Options{}, steps(hang, code(0)), "", 2, 8 * time.Second, 8200 * time.Millisecond},
		{"a call that hangs", client.Options{Timeout: 10 * time.Second}, steps(hang, hang), "deadline exceeded", 2, 8 * time.Second, 8200 * time.Millisecond},
		{"an answer, then no time", client.Options{Timeout: 4 * time.Second}, steps(code(70169), hang), "deadline exceeded; before that, kick: 70169", 2, 1, 200 * time.Millisecond},
		{"no time for a pause", client.Options{Timeout: 900 * time.Millisecond}, steps(code(60007)), "60007", 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, tt.o, tt.steps...)
				err := c.Kick(t.Context(), "alice")
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
				if len(s.seen) != tt.tries {
					t.Fatalf("%d requests, want %d", len(s.seen), tt.tries)
				}
				if last := s.at[len(s.at)-1]; last < tt.least || last > tt.most {
					t.Errorf("the last request after %v, want between %v and %v", last, tt.least, tt.most)
				}
			})
		})
	}
}

func steps(s ...func(*http.Request) (*http.Response, error)) []func(*http.Request) (*http.Response, error) {
	return s
}

// TestRetryableCodes checks that the client retries exactly the codes that protocol.md
// §1.5 to §1.7 marks, because a change of the table changes what the client sends.
func TestRetryableCodes(t *testing.T) {
	var got []client.Code
	for c := range client.Code(200000) {
		if c.Retryable() {
			got = append(got, c)
		}
	}
	want := []client.Code{
		10002,                      // protocol-sessions.md §9.4
		30006, 30007, 30008, 40006, // §1.7
		60007, 60008, 60011, 60013, 60014, 60018, 60019, // §1.5
		70169, 70202, 70500, // §1.6
		90992, 90994, 90995, 91000, // §1.7
		130014, // protocol-sessions.md §9.1
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("repeated codes\n%v, want\n%v", got, want)
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, client.Options{}, code(60007), code(0))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		err := c.Kick(ctx, "alice")
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "60007") {
			t.Errorf("error %v, want the cancellation and the last answer", err)
		}
		if len(s.seen) != 1 {
			t.Errorf("%d requests, want 1", len(s.seen))
		}
	})
}

// TestSigCache checks that a client uses a UserSig until an hour before it expires, and
// never again after a refusal.
func TestSigCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, client.Options{}, code(0), code(0), code(0), code(70052), code(0), code(0))
		for _, pause := range []time.Duration{0, 23*time.Hour - time.Second, 2 * time.Second, time.Second, time.Second} {
			time.Sleep(pause)
			if err := c.Kick(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
		}
		var sigs []string
		for _, r := range s.seen {
			sigs = append(sigs, r.URL.Query().Get("usersig"))
		}
		if sigs[0] != sigs[1] || sigs[1] == sigs[2] || sigs[2] != sigs[3] || sigs[3] == sigs[4] || sigs[4] != sigs[5] {
			t.Errorf("UserSigs by request: %q", sigs)
		}
	})
}

func TestSigner(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signer client.Signer
		want   string
	}{
		{"fails", func(context.Context) (string, time.Time, error) {
			return "", time.Time{}, errors.New("the safe is shut")
		}, "the safe is shut"},
		{"returns none", func(context.Context) (string, time.Time, error) { return "", time.Time{}, nil }, "returned none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := scripted(t, client.Options{Signer: tt.signer})
			if err := c.Kick(t.Context(), "alice"); err == nil || !strings.Contains(err.Error(), tt.want) || len(s.seen) != 0 {
				t.Errorf("%v after %d requests, want %q and none", err, len(s.seen), tt.want)
			}
		})
	}
}

// TestNoSecrets checks that errors, log records and printed clients contain no signature,
// key or token.
func TestNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		lg := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c, s := scripted(t, client.Options{Logger: lg, Retries: 1}, broken(io.ErrUnexpectedEOF), hang)
		err := c.Kick(t.Context(), "alice")
		if err == nil || !strings.Contains(log.String(), "repeating a call") {
			t.Fatalf("error %v, log %q", err, &log)
		}
		sig := s.seen[0].URL.Query().Get("usersig")
		for _, secret := range []string{sig, "the secret of one app", "api.example.com/"} {
			if text := err.Error() + log.String() + fmt.Sprintf("%+v", c); strings.Contains(text, secret) {
				t.Errorf("%q is in %q", secret, text)
			}
		}
		admin, err := client.NewAdmin(client.AdminOptions{
			BaseURL: "https://api.example.com", Token: "rct_secret", HTTPClient: &http.Client{Transport: &script{}}, Logger: lg, Retries: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = admin.Info(t.Context())
		if text := err.Error() + log.String() + fmt.Sprintf("%+v", admin); strings.Contains(text, "rct_") {
			t.Errorf("the token is in %q", text)
		}
	})
}

func TestBadOptions(t *testing.T) {
	good := client.Options{BaseURL: "https://api.example.com", SDKAppID: 1, Key: "k"}
	for name, change := range map[string]func(*client.Options){
		"no URL":         func(o *client.Options) { o.BaseURL = "" },
		"no scheme":      func(o *client.Options) { o.BaseURL = "api.example.com" },
		"another scheme": func(o *client.Options) { o.BaseURL = "ftp://api.example.com" },
		"with a query":   func(o *client.Options) { o.BaseURL += "?usersig=x" },
		"with a user":    func(o *client.Options) { o.BaseURL = "https://me:secret@api.example.com" },
		"no app":         func(o *client.Options) { o.SDKAppID = 0 },
		"no key":         func(o *client.Options) { o.Key = "" },
		"two keys":       func(o *client.Options) { o.Signer = client.KeySigner(usersigKey, 1, "a") },
	} {
		o := good
		change(&o)
		if _, err := client.New(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := client.New(good); err != nil {
		t.Error(err)
	}
	if _, err := client.NewAdmin(client.AdminOptions{BaseURL: "https://api.example.com"}); err == nil {
		t.Error("no token: no error")
	}
}

// client returns an HTTP client to which s responds.
func (s *script) client() *http.Client { return &http.Client{Transport: s} }
