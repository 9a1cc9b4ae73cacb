package postgres

import (
	"crypto/tls"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"postgres://db/rollcall", "postgres://db/rollcall"},
		{"postgres://", "postgres://"},
		{"postgresql://me@db:5433/rollcall?sslmode=require", "postgresql://me@db:5433/rollcall?sslmode=require"},
		{"postgres://me:secret@db/rollcall", "postgres://me:xxxxx@db/rollcall"},
		{"postgres://me:se:cr?et#1@db,db2:5433/rollcall", "postgres://me:xxxxx@db,db2:5433/rollcall"},
		{"postgres://me:@db", "postgres://me:xxxxx@db"},
		{"postgres://db/x?password=secret&sslmode=require", "postgres://db/x?password=xxxxx&sslmode=require"},
		{"postgres://db/x?pass%77ord=secret", "postgres://db/x?pass%77ord=xxxxx"},
		{"postgres://db/x?sslpassword=secret&user=me", "postgres://db/x?sslpassword=xxxxx&user=me"},
		{"postgres://db/x?password=a&b=c=d&sec", "postgres://db/x?password=xxxxx&hidden=xxxxx&hidden=xxxxx"},
		{"postgres://db/x?password=a&b=c&=d&pool_max_conns=9", "postgres://db/x?password=xxxxx&hidden=xxxxx&hidden=xxxxx&pool_max_conns=9"},
		{"postgres://me:sec/ret@db/x", "postgres://xxxxx"},
		{"postgres://me:sec@ret@db/x", "postgres://xxxxx"},
		{"postgresql://db/x@y", "postgresql://xxxxx"},
		{"host=db password=secret", "postgres://xxxxx"},
	} {
		if got := Redact(tt.url); got != tt.want {
			t.Errorf("Redact(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"postgres://", ""},
		{"postgres://me:p%2Fw%40%25@[::1]:5433,db2/rollcall?sslmode=verify-full&pool_max_conns=4&default_query_exec_mode=exec", ""},
		{"postgres:rollcall", "write postgres://USER@HOST/DATABASE"},
		{"host=db", "write postgres://USER@HOST/DATABASE"},
		{"postgres://me:sec/ret@db", "write / as %2F"},
		{"postgres://me:sec@ret@db", "@ as %40"},
		{"postgres://me:secret%zz@db", "% as %25"},
		{"postgres://db/x?password=sec&ret", "& as %26"},
		{"postgres://db:port/x", "no number as its port"},
		{"postgres://me:secret@db/x?sslmode=maybe", "postgres://me:xxxxx@db/x?sslmode=maybe"},
		{"postgres://db/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"},
		{"postgres://db/x?pool_max_conns=none", "pool_max_conns"},
		{"postgres://db/x?pool_max_conns=0", "pool_max_conns"},
		{"postgres://db/x?default_query_exec_mode=fast", "default_query_exec_mode"},
		{"postgres://db/x?connect_timeout=soon", "connect_timeout"},
		{"postgres://db/x?target_session_attrs=new", "target_session_attrs"},
	} {
		err := CheckURL(tt.url)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("CheckURL(%q) = %v, want an error with %q", tt.url, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "sec") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("CheckURL(%q) = %v", tt.url, err)
		}
	}
}

// TestPasswordHidden writes passwords into URLs, escaped and as they are, in all places where
// pgx reads one. No text that people see may contain the password.
func TestPasswordHidden(t *testing.T) {
	t.Setenv("PGPASSWORD", "")
	rapid.Check(t, func(t *rapid.T) {
		password := "Zq7" + rapid.StringOfN(rapid.RuneFrom([]rune(`Zq7/?#@:%&=+, [];"'`+"`"+`\é`)), 0, 12, -1).Draw(t, "password") + "7qZ"
		written := password
		if rapid.Bool().Draw(t, "escaped") {
			written = url.QueryEscape(password)
		}
		raw := rapid.SampledFrom([]string{
			"postgres://me:" + written + "@db/x", "postgresql://me:" + written + "@[::1]:5433/x?sslmode=maybe",
			"postgres://db/x?password=" + written, "postgres://db:1,db2/x?sslmode=maybe&sslpassword=" + written + "&user=me",
			"postgres://me:" + written + "@db:port/x", "postgres://me:" + written + "@db/x?pool_max_conns=x",
		}).Draw(t, "url")
		texts := []string{Redact(raw)}
		c, err := poolConfig(Options{URL: raw})
		if err != nil {
			texts = append(texts, err.Error())
		} else {
			texts = append(texts, place(c.ConnConfig))
		}
		for _, text := range texts {
			if strings.Contains(text, "Zq7") || strings.Contains(text, "7qZ") {
				t.Errorf("%q shows the password of %q", text, raw)
			}
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("postgres://me:secret@db/x?password=secret&sslmode=require")
	f.Add("postgres://me:sec/ret@db:1/x")
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := parseURL(raw)
		if err != nil {
			return
		}
		// The redacted URL has no password, and is the same in all other respects.
		r, err := parseURL(Redact(raw))
		if err != nil {
			t.Fatalf("Redact(%q) = %q: %v", raw, Redact(raw), err)
		}
		if p := r.ConnConfig.Password; p != hidden && p != "" {
			t.Errorf("Redact(%q) = %q has the password %q", raw, Redact(raw), p)
		}
		if place(c.ConnConfig) != place(r.ConnConfig) || c.ConnConfig.User != r.ConnConfig.User {
			t.Errorf("Redact(%q) = %q", raw, Redact(raw))
		}
	})
}

func TestPoolConfig(t *testing.T) {
	clearEnv(t)
	c, err := poolConfig(Options{URL: "postgres://me@db/x"})
	if err != nil {
		t.Fatal(err)
	}
	p := c.ConnConfig.RuntimeParams
	if c.MaxConns != 16 || c.ConnConfig.ConnectTimeout != 2*time.Second || p["application_name"] != "rollcall" ||
		p["statement_timeout"] != "10s" || p["lock_timeout"] != "2s" || p["idle_in_transaction_session_timeout"] != "10s" ||
		pooled(c) || c.ConnConfig.ValidateConnect == nil {
		t.Errorf("defaults: %+v %v", c, p)
	}
	c, err = poolConfig(Options{URL: "postgres://me@db/x?pool_max_conns=3&connect_timeout=9&statement_timeout=0&application_name=mine"})
	if err != nil {
		t.Fatal(err)
	}
	p = c.ConnConfig.RuntimeParams
	if c.MaxConns != 3 || c.ConnConfig.ConnectTimeout != 9*time.Second || p["statement_timeout"] != "0" || p["application_name"] != "mine" || p["lock_timeout"] != "2s" {
		t.Errorf("given: %+v %v", c, p)
	}
	if c, err = poolConfig(Options{URL: "postgres://a:1,b:2/x"}); err != nil || c.ConnConfig.ValidateConnect == nil {
		t.Errorf("several hosts: a standby would be accepted: %v", err)
	}
	for mode, want := range map[string]bool{"exec": true, "simple_protocol": true, "cache_statement": false, "cache_describe": false, "describe_exec": false} {
		c, err := poolConfig(Options{URL: "postgres://me@db/x?default_query_exec_mode=" + mode})
		if err != nil || pooled(c) != want || (len(c.ConnConfig.RuntimeParams) == 0) != want {
			t.Errorf("%s: pooled %v, parameters %v, %v", mode, pooled(c), c.ConnConfig.RuntimeParams, err)
		}
	}
}

// TestPasswordSources reads the password from the places where PostgreSQL's own programs
// look for it.
func TestPasswordSources(t *testing.T) {
	clearEnv(t)
	const raw = "postgres://me@db:5433/x"
	check := func(from, want string) {
		t.Helper()
		c, err := poolConfig(Options{URL: raw})
		if err != nil || c.ConnConfig.Password != want {
			t.Errorf("%s: password %q, %v", from, c.ConnConfig.Password, err)
		}
	}
	check("none", "")
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte("db:5433:x:me:of the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", file)
	check("PGPASSFILE", "of the file")
	warned := func() string {
		t.Helper()
		var log strings.Builder
		if _, err := poolConfig(Options{URL: raw, Logger: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	if log := warned(); log != "" {
		t.Errorf("a file for the user alone: %s", log)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if log := warned(); !strings.Contains(log, "chmod 600 it") || !strings.Contains(log, file) || strings.Contains(log, "of the file\n") {
		t.Errorf("a file that others can read: %s", log)
	}
	t.Setenv("PGPASSWORD", "of the environment")
	check("PGPASSWORD", "of the environment")
}

// clearEnv removes the variables of PostgreSQL and a home directory with its files.
func clearEnv(t *testing.T) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var _ rower = (*pgx.Conn)(nil)

// TestWorker checks that everything which depends on the host is that of a worker: the
// certificate, the attempts with and without TLS, and the line of .pgpass.
func TestWorker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(file, []byte("one:*:*:*:of one\n2001\\:db8\\:\\:7:6543:*:*:of seven\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for rest, want := range map[string]struct {
		name string
		tls  []bool
	}{
		"sslmode=verify-full":             {"2001:db8::7", []bool{true}},
		"":                                {"", []bool{true, false}},
		"sslmode=disable&host=x&port=1":   {"", []bool{false}},
		"sslmode=allow&pool_max_conns=19": {"", []bool{false, true}},
	} {
		s := &Store{url: "postgres://me@one,two:5433/db?application_name=a+b%26c&passfile=" + file + "&" + rest, life: t.Context(), workers: map[string]*target{}}
		w, err := s.worker("w", "2001:db8::7", 6543)
		if err != nil {
			t.Fatal(err)
		}
		defer w.pool.Close()
		defer w.close()
		c := w.pool.Config()
		all := []*tls.Config{c.ConnConfig.TLSConfig}
		hosts := []string{address(c.ConnConfig.Host, c.ConnConfig.Port)}
		for _, f := range c.ConnConfig.Fallbacks {
			all, hosts = append(all, f.TLSConfig), append(hosts, address(f.Host, f.Port))
		}
		var with []bool
		for i, tc := range all {
			with = append(with, tc != nil)
			if hosts[i] != "[2001:db8::7]:6543" {
				t.Errorf("%s: attempt %d is at %s", rest, i, hosts[i])
			}
			if tc != nil && want.name != "" && tc.ServerName != want.name {
				t.Errorf("%s: the certificate must name %q", rest, tc.ServerName)
			}
		}
		if !slices.Equal(with, want.tls) {
			t.Errorf("%s: attempts with TLS are %v, want %v", rest, with, want.tls)
		}
		if c.ConnConfig.Password != "of seven" || c.ConnConfig.User != "me" || c.ConnConfig.Database != "db" || c.ConnConfig.OnNotice == nil || c.ConnConfig.RuntimeParams["application_name"] != "a+b&c" {
			t.Errorf("%s: the worker has %q, %q, %q", rest, c.ConnConfig.Password, c.ConnConfig.User, c.ConnConfig.Database)
		}
		if rest != "" && strings.Contains(rest, "19") && c.MaxConns != 19 {
			t.Errorf("%s: %d connections", rest, c.MaxConns)
		}
	}
}
