package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// alertRules are the alerts for users, relative to this directory.
const alertRules = "../../deploy/prometheus/alerts.yml"

// A scrape has the values of /metrics by series. Times are relative to now, because a test of
// promtool begins at 0.
type scrape map[string]float64

var sample = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? (\S+)$`)

// scrapeOf reads the metrics of a server, as a scrape of the job "rollcall".
func scrapeOf(t *testing.T, url string) scrape {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	now := float64(time.Now().Unix())
	values := scrape{`up{job="rollcall",instance="one"}`: 1}
	for _, m := range sample.FindAllStringSubmatch(string(body), -1) {
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Fatalf("%s: %v", m[0], err)
		}
		if strings.HasSuffix(m[1], "_timestamp_seconds") {
			value -= now
		}
		labels := `job="rollcall",instance="one"`
		if m[2] != "" {
			labels += "," + m[2]
		}
		values[m[1]+"{"+labels+"}"] = value
	}
	return values
}

// set changes the value of a series without labels of its own, where a test cannot bring
// the machine into that state.
func (s scrape) set(name string, value float64) {
	s[name+`{job="rollcall",instance="one"}`] = value
}

// add adds one to a counter that a server without events has, too.
func (s scrape) add(t *testing.T, name, labels string) {
	t.Helper()
	series := fmt.Sprintf(`%s{job="rollcall",instance="one",%s}`, name, labels)
	if _, ok := s[series]; !ok {
		t.Errorf("there is no %s", series)
	}
	s[series]++
}

// A promTest is a test of promtool. See https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.
type promTest struct {
	Name     string       `yaml:"name"`
	Interval string       `yaml:"interval"`
	Series   []promSeries `yaml:"input_series"`
	Queries  []promQuery  `yaml:"promql_expr_test"`
}

type promSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type promQuery struct {
	Expr string       `yaml:"expr"`
	Eval string       `yaml:"eval_time"`
	Want []promSample `yaml:"exp_samples"`
}

type promSample struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

// minutes is how long the state of a server lasts in a test of its alerts.
const minutes = 100

// newPromTest returns a test with a server that was in the state before, and changed in each
// minute as much as until the state after. It must fire the alerts and no others. A gauge
// keeps its value.
func newPromTest(name string, before, after scrape, alerts ...string) promTest {
	test := promTest{Name: name, Interval: "1m"}
	for series, value := range after {
		values := fmt.Sprintf("%v+0x%d", value, minutes)
		if old := before[series]; counts(series) { // a new series began at 0
			values = fmt.Sprintf("%v+%vx%d", old, value-old, minutes)
		}
		test.Series = append(test.Series, promSeries{series, values})
	}
	query := promQuery{Expr: `count by (alertname) (ALERTS{alertstate="firing"})`, Eval: "95m"}
	for _, alert := range alerts {
		query.Want = append(query.Want, promSample{fmt.Sprintf(`{alertname=%q}`, alert), 1})
	}
	test.Queries = []promQuery{query}
	return test
}

// counts reports whether a series is of a counter or of a histogram.
func counts(series string) bool {
	name, _, _ := strings.Cut(series, "{")
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum")
}

// TestAlerts provokes each alert at a real server, and lets promtool evaluate the rules on
// what the server tells. What a test cannot do to a machine, it does to the values.
func TestAlerts(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed: it is in Debian's package prometheus")
	}
	c := config.Config{Data: t.TempDir(), Store: anystore.Spec(t, anystore.Pebble), MaxInFlight: 8}
	s := start(t, c, &account.App{
		ID: 1400000001, Test: true, Edition: account.Development, Admins: []account.UserID{account.Administrator},
		Keys:     []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "the secret of an own app"}},
		Settings: account.Settings{RateLimits: map[string]int{"querystate": 1}},
	})
	url, api := s.Context().URL, adminOf(t, s)
	if _, err := api.Backup(t.Context(), filepath.Join(t.TempDir(), "backup")); err != nil {
		t.Fatal(err)
	}
	imports := func(n int) {
		for range n {
			importAlice(t, http.DefaultClient, s.Context())
		}
	}
	// provoke returns the test of an alert that do provokes within a minute.
	provoke := func(alert string, do func(), change ...func(before, after scrape)) promTest {
		before := scrapeOf(t, url)
		do()
		after := scrapeOf(t, url)
		for _, c := range change {
			c(before, after)
		}
		return newPromTest(alert, before, after, alert)
	}
	nothing := func() {}
	tests := []promTest{
		func() promTest {
			before := scrapeOf(t, url)
			imports(20)
			return newPromTest("healthy", before, scrapeOf(t, url))
		}(),
		provoke("RollcallServerErrors", func() {
			fault(t, api, s, client.Fault{Command: "account_import", Code: 70169, Times: 5})
			imports(10)
		}),
		provoke("RollcallSlow", func() {
			fault(t, api, s, client.Fault{Command: "account_import", DelayMS: 600, Times: 1})
			imports(1)
		}),
		provoke("RollcallBusy", nothing, func(_, after scrape) { after.set("rollcall_requests_in_flight", 7) }),
		provoke("RollcallSignatures", func() {
			for range 100 {
				testutil.Do(t, http.DefaultClient, testutil.NewRequest(t, http.MethodPost, url+"/v4/im_open_login_svc/account_check?sdkappid=1400000001&identifier=administrator&usersig=eJwrong", "", "{}"))
			}
		}),
		provoke("RollcallLimited", func() {
			for range 60 {
				query(t, s)
			}
		}),
		provoke("RollcallStoreErrors", nothing, func(_, after scrape) {
			after[`rollcall_store_calls_total{job="rollcall",instance="one",method="Upsert",result="unavailable"}`] = 1
		}),
		provoke("RollcallDiskFills", nothing, func(_, after scrape) { after.set("rollcall_disk_free_bytes", 1<<30) }),
		provoke("RollcallFilesOpen", nothing, func(_, after scrape) {
			after.set("process_max_fds", after[`process_open_fds{job="rollcall",instance="one"}`])
		}),
		provoke("RollcallBackupOld", nothing, func(_, after scrape) { after.set("rollcall_last_backup_timestamp_seconds", -26*3600) }),
		provoke("RollcallRedisAway", nothing, func(_, after scrape) { after.set("rollcall_ratelimit_redis_up", 0) }),
		provoke("RollcallBackupFails", nothing, func(_, after scrape) { after.set("rollcall_backup_failures_total", 1) }),
		provoke("RollcallWebhookOld", nothing, func(_, after scrape) { after.set("rollcall_webhook_oldest_seconds", 31*60) }),
		provoke("RollcallWebhookPaused", nothing, func(_, after scrape) { after.set("rollcall_webhook_paused", 1) }),
		provoke("RollcallWebhookDead", nothing, func(_, after scrape) {
			after.add(t, "rollcall_webhook_attempts_total", `mode="reliable",result="dead"`)
		}),
		provoke("RollcallWebhookLost", nothing, func(_, after scrape) { after.add(t, "rollcall_webhook_lost_total", `why="full"`) }),
		grows(scrapeOf(t, url)),
		provoke("RollcallDrillFailed", nothing, func(_, after scrape) {
			after.set("rollcall_backup_drill_last_timestamp_seconds", 1)
			after.set("rollcall_backup_drill_last_success", 0)
			after.set("rollcall_backup_last_verified_timestamp_seconds", 0) // now
		}),
		provoke("RollcallBackupUnverified", nothing, func(_, after scrape) {
			after.set("rollcall_backup_drill_last_timestamp_seconds", 1)
			after.set("rollcall_backup_drill_last_success", 1)
			after.set("rollcall_backup_last_verified_timestamp_seconds", -10*24*3600)
		}),
		newPromTest("RollcallDown", scrape{}, scrape{`up{job="rollcall",instance="one"}`: 0}, "RollcallDown"),
		restarts(scrapeOf(t, url)),
		expires(t),
		draining(t),
	}
	runPromtool(t, tests)
}

// fault adds a fault of an app.
func fault(t *testing.T, api *client.AdminClient, s *server.Server, f client.Fault) {
	t.Helper()
	if _, err := api.AddFault(t.Context(), s.Context().SDKAppID, f); err != nil {
		t.Fatal(err)
	}
}

// restarts returns a test with a process that starts again every few minutes.
func restarts(now scrape) promTest {
	test := newPromTest("RollcallRestarts", now, now, "RollcallRestarts")
	for i, series := range test.Series {
		if strings.HasPrefix(series.Series, "process_start_time_seconds") {
			test.Series[i].Values = fmt.Sprintf("0+60x%d", minutes)
		}
	}
	return test
}

// grows returns a test with an outbox that grows by an event a second.
func grows(now scrape) promTest {
	test := newPromTest("RollcallWebhookOutboxGrows", now, now, "RollcallWebhookOutboxGrows")
	for i, series := range test.Series {
		if strings.HasPrefix(series.Series, "rollcall_webhook_outbox") {
			test.Series[i].Values = fmt.Sprintf("0+60x%d", minutes)
		}
	}
	return test
}

// expires returns a test with a server whose certificate is valid for some hours.
func expires(t *testing.T) promTest {
	t.Helper()
	certFile, keyFile, _ := certificate(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := free.Addr().String()
	free.Close()
	start(t, config.Config{Store: "mem:", TLSCert: certFile, TLSKey: keyFile, AdminListen: admin}, ownApp())
	now := scrapeOf(t, "http://"+admin)
	return newPromTest("RollcallCertificateExpires", now, now, "RollcallCertificateExpires")
}

// runPromtool lets promtool run tests of the alerts, and checks that they name every alert.
func runPromtool(t *testing.T, tests []promTest) {
	t.Helper()
	rules, err := filepath.Abs(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	names := fmt.Sprint(tests)
	for _, m := range regexp.MustCompile(`(?m)- alert: (\w+)`).FindAllSubmatch(text, -1) {
		if !strings.Contains(names, string(m[1])) {
			t.Errorf("no test provokes %s", m[1])
		}
	}
	file, err := yaml.Marshal(map[string]any{"rule_files": []string{rules}, "evaluation_interval": "1m", "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "tests.yml")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", name).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// draining returns a test with a server that is about to stop.
func draining(t *testing.T) promTest {
	t.Helper()
	s, err := open(t, config.Config{Store: "mem:", Drain: 3 * time.Second}, nil)
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, s.Context().Key, s.Context().AdminToken)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	stop()
	eventually(t, "the server drains", func() bool { return metric(t, s, "rollcall_ready") == "0" })
	now := scrapeOf(t, s.Context().URL)
	return newPromTest("RollcallNotReady", now, now, "RollcallNotReady")
}

// TestDashboards checks that each metric of the alerts and of the dashboard exists.
func TestDashboards(t *testing.T) {
	known, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	library := regexp.MustCompile(`^(process_(start_time_seconds|open_fds|max_fds|cpu_seconds_total|resident_memory_bytes)|go_memstats_heap_inuse_bytes)$`)
	for _, file := range []string{alertRules, "../../deploy/grafana/rollcall.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(rollcall|process|go)_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			family := strings.TrimSuffix(name, "_bucket")
			if !library.MatchString(name) && !strings.Contains(string(known), "| `"+family+"` |") {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
	dashboard, err := os.ReadFile("../../deploy/grafana/rollcall.json")
	if err != nil || !json.Valid(dashboard) {
		t.Errorf("the dashboard is no JSON: %v", err)
	}
}
