package server_test

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
	"rollcall/usersig"
)

// limitedApp returns an app that allows four calls in each second, and sends its rate limits.
func limitedApp(mode account.RateMode) *account.App {
	app := ownApp()
	app.Settings = account.Settings{RateMode: mode, RateLimits: map[string]int{"querystate": 4}}
	return app
}

// A rated is the response to a call.
type rated struct {
	code      string // of the protocol
	remaining int
	over      bool // in shadow mode
}

// query makes a call of a command that changes nothing.
func query(t *testing.T, s *server.Server) rated {
	t.Helper()
	c := s.Context()
	sig, err := usersig.Sign(usersig.HMACKey(c.Key), usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Admin, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, sig)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf(
		"%s/v4/openim/querystate?sdkappid=%d&identifier=%s&usersig=%s", c.URL, c.SDKAppID, c.Admin, sig), strings.NewReader(`{"To_Account":["administrator"]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Rollcall-RateLimit", "1")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	remaining, _ := strconv.Atoi(resp.Header.Get("Rollcall-RateLimit-Remaining"))
	code := regexp.MustCompile(`"ErrorCode":(\d+)`).FindSubmatch(body)
	if code == nil {
		t.Fatalf("response %s", body)
	}
	return rated{string(code[1]), remaining, resp.Header.Get("Rollcall-RateLimit-Over") == "shadow"}
}

// eventually repeats attempt until it returns true, because a second may end in the middle.
func eventually(t *testing.T, what string, attempt func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !attempt(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never happened: " + what)
		}
	}
}

// metric returns the value of a metric.
func metric(t *testing.T, s *server.Server, name string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + ` (.*)$`).FindSubmatch(b)
	if m == nil {
		return "absent"
	}
	return string(m[1])
}

const redisUp = "rollcall_ratelimit_redis_up"

// TestSharedLimits runs two nodes with one Redis. An app that enforces its limits has them
// once for both.
func TestSharedLimits(t *testing.T) {
	url := pgtest.Redis(t)
	a := start(t, config.Config{Redis: url}, limitedApp(account.RateEnforce))
	b := start(t, config.Config{Redis: url}, limitedApp(account.RateEnforce))
	for _, s := range []*server.Server{a, b} {
		eventually(t, "redis counts", func() bool { return metric(t, s, redisUp) == "1" })
	}
	eventually(t, "two nodes share a limit", func() bool {
		for i := range 4 {
			if got := query(t, []*server.Server{a, b}[i%2]); got != (rated{"0", 3 - i, false}) {
				return false
			}
		}
		return query(t, a).code == "60007" && query(t, b).code == "60007"
	})
}

// TestSharedShadow runs two nodes whose app has its limits in shadow mode: every call is
// served, and flagged if both nodes together have made too many.
func TestSharedShadow(t *testing.T) {
	url := pgtest.Redis(t)
	a := start(t, config.Config{Redis: url}, limitedApp(account.RateShadow))
	b := start(t, config.Config{Redis: url}, limitedApp(account.RateShadow))
	for _, s := range []*server.Server{a, b} {
		eventually(t, "redis counts", func() bool { return metric(t, s, redisUp) == "1" })
	}
	eventually(t, "the calls of one node flag one of the other", func() bool {
		for range 4 {
			if got := query(t, a); got.code != "0" {
				t.Fatalf("%+v", got)
			}
		}
		_ = query(t, b) // it learns the total with this call
		return query(t, b) == rated{"0", 0, true}
	})
}

// TestLimitsOff checks that an app without limits causes no call of Redis.
func TestLimitsOff(t *testing.T) {
	url := pgtest.Redis(t)
	s := start(t, config.Config{Redis: url}, limitedApp(account.RateOff))
	eventually(t, "redis counts", func() bool { return metric(t, s, redisUp) == "1" })
	before := scripts(t, url)
	for range 20 {
		query(t, s)
	}
	if got := scripts(t, url); got != before {
		t.Errorf("scripts: %s, before the calls: %s", got, before)
	}
}

// scripts returns how many scripts a Redis has run.
func scripts(t *testing.T, url string) string {
	t.Helper()
	out, err := exec.Command("redis-cli", "-u", url, "INFO", "commandstats").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(regexp.MustCompile(`cmdstat_eval\w*:calls=\d+`).FindAllString(string(out), -1), " ")
}

// TestWithoutRedis starts a node whose Redis does not respond. The node is ready, and applies
// the whole limit by itself.
func TestWithoutRedis(t *testing.T) {
	s := start(t, config.Config{Redis: "redis://127.0.0.1:1"}, limitedApp(account.RateEnforce))
	resp, err := http.Get("http://" + s.Addr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || metric(t, s, redisUp) != "0" {
		t.Errorf("/readyz: %d, %s %s", resp.StatusCode, redisUp, metric(t, s, redisUp))
	}
	eventually(t, "the node limits calls alone", func() bool {
		for i := range 4 {
			if got := query(t, s); got != (rated{"0", 3 - i, false}) {
				return false
			}
		}
		return query(t, s).code == "60007"
	})
	if got := metric(t, s, "rollcall_ratelimit_redis_fallbacks_total"); got == "0" || got == "absent" {
		t.Errorf("fallbacks %s", got)
	}
}
