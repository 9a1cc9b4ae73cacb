package config_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// checkStore accepts the stores that the tests use.
func checkStore(spec string) error {
	if scheme, _, _ := strings.Cut(spec, ":"); scheme != "mem" && scheme != "pebble" {
		return fmt.Errorf("the store %q has an unknown scheme; write mem: or pebble:DIR", spec)
	}
	return nil
}

// checkRedis accepts the URLs that the tests use.
func checkRedis(url string) error {
	if !strings.Contains(url, "//") {
		return errors.New("the URL is malformed")
	}
	return nil
}

// checkBackups accepts only the schedule @daily.
func checkBackups(c *config.Config) (string, error) {
	if c.BackupSchedule != "" && c.BackupSchedule != "@daily" {
		return "backup_schedule", fmt.Errorf("is %q: give @daily, and {backup_to}", c.BackupSchedule)
	}
	return "", nil
}

// TestErrors reads every testdata/bad_*.yml. The head of a file says which error it
// causes, and which variables are set.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad_*.yml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want string
			var environ []string
			for line := range strings.Lines(string(text)) {
				if s, ok := strings.CutPrefix(line, "# want: "); ok {
					want = strings.TrimSpace(s)
				}
				if s, ok := strings.CutPrefix(line, "# env: "); ok {
					environ = append(environ, strings.TrimSpace(s))
				}
			}
			want = strings.ReplaceAll(want, filepath.Base(file)+":", file+":")
			_, err = config.Load(config.Options{File: file, Environ: environ, CheckStore: checkStore, CheckRedis: checkRedis, CheckBackups: checkBackups})
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if _, ok := errors.AsType[*config.Error](err); !ok {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestInvalidFile(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.yml")
	if err := os.WriteFile(large, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"testdata/absent.yml": "testdata/absent.yml: there is no such file: correct its name, or leave it out",
		"testdata":            "testdata: is not a file: name one",
		large:                 large + ": is larger than 1048576 bytes: it is no configuration",
	} {
		if _, err := config.Load(config.Options{File: file}); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestOrder checks that a later source overrides an earlier one.
func TestOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollcall.yml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\ndata: from-file\nadmin_listen: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Options{
		File:    file,
		Environ: []string{"ROLLCALL_CFG_LISTEN=127.0.0.1:2", "ROLLCALL_CFG_ADMIN_LISTEN=127.0.0.1:2", "ROLLCALL_CFG_STORE=", "ROLLCALL_URL=x", "HOME=/"},
		Flags:   &config.Config{Listen: "127.0.0.1:3", Data: "a flag's default"},
		Given:   []string{"listen"},
	})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, s := range config.Settings() {
		sources[s.Key] = l.Source(s).Describe(s)
	}
	got := []string{
		l.Listen, sources["listen"], l.AdminListen, sources["admin_listen"], l.Data, sources["data"],
		l.Store, sources["store"], l.ShutdownTimeout.String(), sources["shutdown_timeout"],
	}
	want := []string{
		"127.0.0.1:3", "--listen", "127.0.0.1:2", "ROLLCALL_CFG_ADMIN_LISTEN", "from-file", file + ":2",
		"pebble:from-file/accounts", "default", "10s", "default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values and sources (-want +got):\n%s", diff)
	}
}

// TestEverySetting gives each setting in the file and in the environment, and checks
// that the result is the same.
func TestEverySetting(t *testing.T) {
	fromFile, err := config.Load(config.Options{File: "testdata/full.yml", CheckStore: checkStore})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "/var/lib/rollcall", Store: "pebble:/srv/accounts", Migrate: true, Listen: ":443",
		TLSCert: "testdata/empty.yml", TLSKey: "testdata/empty.yml",
		Intercept:   []string{"api.example.com"},
		AdminListen: "[::1]:7581", AdminHost: []string{"admin.example.com", "admin"},
		AdminTokenFile: "/etc/rollcall/admin.token", SealKeys: "/etc/rollcall/seal.keys", PprofListen: "localhost:6060",
		AllowTestApps: new(true), Seed: []string{"a.yml", "b.json"}, SDKAppID: 1400000000, KeyFile: "testdata/empty.yml", Admin: "boss",
		MaxInFlight: 4096, ImportDir: "testdata", MaxUploadMiB: 512,
		LinkAppLimit: 5000, LinkAddressLimit: 20, LinkPing: time.Minute, LinkOrigins: []string{"https://app.example.com", "*"},
		Redis: "rediss://user@redis.example.com:6380/1", RedisPasswordFile: "testdata/empty.yml",
		BackupTo: "/var/backups/rollcall", BackupS3CredentialsFile: "testdata/empty.yml", BackupAgeRecipients: []string{"age1a", "age1b"},
		BackupSchedule: "15 3 * * *", BackupKeep: "last=3,daily=7", BackupDrillSchedule: "@weekly",
		Drain: 15 * time.Second, ShutdownTimeout: 90 * time.Second,
		TraceTo: "https://collector.example.com:4318", TraceSample: 0.25, LogFormat: "json", LogLevel: slog.LevelWarn,
	}
	if diff := cmp.Diff(want, fromFile.Config); diff != "" {
		t.Errorf("from the file (-want +got):\n%s", diff)
	}
	var environ []string
	for _, s := range config.Settings() {
		environ = append(environ, s.Env+"="+s.Text(&want))
	}
	fromEnv, err := config.Load(config.Options{Environ: environ, CheckStore: checkStore})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fromEnv.Config); diff != "" {
		t.Errorf("from the environment (-want +got):\n%s", diff)
	}
}

// TestPrint checks that a printed configuration can be read back unchanged.
func TestPrint(t *testing.T) {
	for _, file := range []string{"", "testdata/empty.yml", "testdata/full.yml"} {
		l, err := config.Load(config.Options{File: file})
		if err != nil {
			t.Fatal(err)
		}
		var printed strings.Builder
		if err := l.Print(&printed); err != nil {
			t.Fatal(err)
		}
		back := filepath.Join(t.TempDir(), "back.yml")
		if err := os.WriteFile(back, []byte(printed.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := config.Load(config.Options{File: back})
		if err != nil {
			t.Fatalf("%v in\n%s", err, &printed)
		}
		if diff := cmp.Diff(l.Config, again.Config); diff != "" {
			t.Errorf("%s, printed and read (-before +after):\n%s", file, diff)
		}
	}
}

func TestPrintSources(t *testing.T) {
	l, err := config.Load(config.Options{
		File: "testdata/full.yml", Environ: []string{"ROLLCALL_CFG_LOG_LEVEL=error"},
		Flags: &config.Config{Data: "."}, Given: []string{"data"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := l.Print(&b); err != nil {
		t.Fatal(err)
	}
	testutil.Golden(t, "testdata/print.golden", b.String(), *update)
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "0d": 0, "90m": 90 * time.Minute, "-1s": -time.Second,
		"100000d": 100000 * 24 * time.Hour,
	} {
		if got, err := config.ParseDuration(text); got != want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"30":      "30, without a unit: write 30s for seconds",
		"soon":    `"soon": give a number with its unit, as 500ms, 10s, 2m, 24h or 30d`,
		"-1d":     `"-1d": give a number`,
		"1.5d":    `"1.5d": give a number`,
		"d":       `"d": give a number`,
		"1d-1h":   `"1d-1h": give a number`,
		"1d25h":   `"1d25h": give a number`,
		"106752d": `"106752d": give a number`,
	} {
		if got, err := config.ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDuration(%q) = %v, %v; want %q", text, got, err, want)
		}
	}
}

// TestNew completes the settings of a program that reads no file. Without a data
// directory, a store on disk needs a file for its sealing keys.
func TestNew(t *testing.T) {
	want := config.Config{
		Store: "mem:", Listen: "127.0.0.1:7580", AllowTestApps: new(true),
		MaxInFlight: 9, MaxUploadMiB: 10240, LinkAppLimit: 100000, LinkAddressLimit: 100, LinkPing: 25 * time.Second, ShutdownTimeout: 10 * time.Second, TraceSample: 0.01, LogFormat: "text",
	}
	got, err := config.New(config.Config{Store: "mem:", MaxInFlight: 9})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("New: %v (-want +got):\n%s", err, diff)
	}
	for _, c := range []config.Config{{}, {Store: "pebble:x"}} {
		if _, err := config.New(c); err == nil || !strings.HasSuffix(err.Error(), "give --data or --seal-keys") {
			t.Errorf("a store on disk without a data directory: %v", err)
		}
	}
	for _, c := range []config.Config{{Data: "x"}, {Store: "pebble:x", SealKeys: "y"}} {
		if got, err = config.New(c); err != nil || got.SealKeys == "" || got.Store == "" {
			t.Errorf("New: store %q, sealing keys %q, %v", got.Store, got.SealKeys, err)
		}
	}
}

// TestDistinctAddresses checks that two addresses that cannot both be opened are an error
// of the configuration, not a failure of the start.
func TestDistinctAddresses(t *testing.T) {
	for _, tt := range []struct {
		listen, admin string
		same          bool
	}{
		{"127.0.0.1:7580", "127.0.0.1:7580", true},
		{":7580", "127.0.0.1:7580", true},
		{"0.0.0.0:7580", "127.0.0.1:7580", true},
		{"127.0.0.1:7580", "127.0.0.1:7581", false},
		{"127.0.0.1:7580", "127.0.0.2:7580", false},
		{"127.0.0.1:0", "127.0.0.1:0", false}, // each is a free port
	} {
		_, err := config.New(config.Config{Store: "mem:", Listen: tt.listen, AdminListen: tt.admin, InsecureListen: true})
		if same := err != nil && strings.Contains(err.Error(), "are the same address"); same != tt.same || !same && err != nil {
			t.Errorf("%s and %s: %v", tt.listen, tt.admin, err)
		}
	}
}

// TestDeveloper checks which configurations are those of a developer's server. By default
// only a developer's server allows test apps.
func TestDeveloper(t *testing.T) {
	for name, tt := range map[string]struct {
		c    config.Config
		want bool
	}{
		"loopback":               {config.Config{Listen: "127.0.0.1:0"}, true},
		"localhost":              {config.Config{Listen: "localhost:0"}, true},
		"an address for admins":  {config.Config{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:1"}, false},
		"no address for admins":  {config.Config{Listen: "127.0.0.1:0", AdminListen: config.AdminOff}, false},
		"every address":          {config.Config{Listen: ":0", InsecureListen: true}, false},
		"local TLS":              {config.Config{Listen: "127.0.0.1:0", TLSLocal: true, Data: "x"}, true},
		"TLS on loopback":        {config.Config{Listen: "127.0.0.1:0", TLSCert: "testdata/full.yml", TLSKey: "testdata/full.yml"}, false},
		"every address and none": {config.Config{Listen: ":0", InsecureListen: true, AdminListen: config.AdminOff}, false},
	} {
		tt.c.Store = "mem:"
		if c, err := config.New(tt.c); err != nil || c.Developer() != tt.want || *c.AllowTestApps != tt.want {
			t.Errorf("%s: developer %v, %v; want %v", name, c.Developer(), err, tt.want)
		}
	}
	file := filepath.Join(t.TempDir(), "off.yml")
	if err := os.WriteFile(file, []byte("admin_listen: off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := config.Load(config.Options{File: file}); err != nil || l.AdminListen != config.AdminOff {
		t.Errorf("off in a file: %v", err)
	}
	for environ, want := range map[string]bool{"": true, "ROLLCALL_CFG_ADMIN_LISTEN=off": false} {
		l, err := config.Load(config.Options{Environ: []string{environ}})
		if err != nil || *l.AllowTestApps != want {
			t.Errorf("%q: test apps are allowed %v, %v; want %v", environ, *l.AllowTestApps, err, want)
		}
	}
}

// TestPassword checks that no output shows the password of a URL, and that warnings name
// the places where others can see it.
func TestPassword(t *testing.T) {
	redact := func(text string) string { return strings.ReplaceAll(text, "s3cret", "xxxxx") }
	const url = "postgres://me:s3cret@db/rollcall"
	open, closed := write(t, "rollcall.yml", "store: "+url+"\n", 0o644), write(t, "rollcall.yml", "store: "+url+"\n", 0o600)
	for _, tt := range []struct {
		o             config.Options
		place, remedy string
	}{
		{config.Options{File: open}, open + ":1", "chmod o-rwx it"},
		{config.Options{File: closed}, closed + ":1", ""},
		{config.Options{Environ: []string{"ROLLCALL_CFG_STORE=" + url}}, "ROLLCALL_CFG_STORE", ""},
		{config.Options{Flags: &config.Config{Store: url}, Given: []string{"store"}}, "--store", "give the URL in ROLLCALL_CFG_STORE"},
	} {
		tt.o.Redact = redact
		l, err := config.Load(tt.o)
		if err != nil || l.Store != url {
			t.Fatalf("store %q, %v", l.Store, err)
		}
		var b strings.Builder
		if err := l.Print(&b); err != nil {
			t.Fatal(err)
		}
		if want := `store: "postgres://me:xxxxx@db/rollcall" # ` + tt.place + ", without its password\n"; !strings.Contains(b.String(), want) || strings.Contains(b.String(), "s3cret") {
			t.Errorf("printed without %q:\n%s", want, &b)
		}
		warnings := strings.Join(l.Warnings(), "\n")
		if (warnings != "") != (tt.remedy != "") || !strings.Contains(warnings, tt.remedy) || strings.Contains(warnings, "s3cret") {
			t.Errorf("%s: warnings %q, want %q", tt.place, warnings, tt.remedy)
		}
	}
}

// TestRedisPassword checks the warning of a password on the command line.
func TestRedisPassword(t *testing.T) {
	l, err := config.Load(config.Options{
		Flags: &config.Config{Redis: "redis://:s3cret@h"}, Given: []string{"redis"},
		Redact: func(text string) string { return strings.ReplaceAll(text, ":s3cret@", "") },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"--redis has a password, which everybody on this machine can see in the list of processes: put it into a file that --redis-password-file names, or give the URL in ROLLCALL_CFG_REDIS"}
	if diff := cmp.Diff(want, l.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
