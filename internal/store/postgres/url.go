package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Defaults of connections. A URL that gives a parameter overrides its default.
const (
	defaultMaxConns       = 16
	defaultConnectTimeout = 2 * time.Second

	statementTimeout = "10s" // of one statement; longer than a call may take
	lockTimeout      = "2s"  // wait of a statement for a lock
	idleTimeout      = "10s" // of a transaction that does nothing
)

// sessionDefaults are the parameters of sessions. Each statement finds its rows by an index.
// The planner would choose other plans while the statistics of a table are old, and a session
// can keep the plan of an empty table for long.
var sessionDefaults = map[string]string{
	"application_name":                    "rollcall",
	"statement_timeout":                   statementTimeout,
	"lock_timeout":                        lockTimeout,
	"idle_in_transaction_session_timeout": idleTimeout,
	"enable_seqscan":                      "off",
	"enable_bitmapscan":                   "off",
	"enable_hashjoin":                     "off",
	"enable_mergejoin":                    "off",
	"jit":                                 "off", // the costs of a plan decide on it, and the settings above raise them
}

// hidden replaces a password in a text.
const hidden = "xxxxx"

// schemes are the beginnings of the URLs that pgx reads.
var schemes = []string{"postgres://", "postgresql://"}

// Redact returns a URL without its password, for logs and messages. It returns nothing of a
// URL whose password it cannot find for certain.
func Redact(rawURL string) string {
	scheme, rest, ok := cutScheme(rawURL)
	if !ok || checkAt(rest) != nil {
		return cmp.Or(scheme, schemes[0]) + hidden
	}
	var b strings.Builder
	b.WriteString(scheme)
	if login, after, ok := strings.Cut(rest, "@"); ok {
		user, _, secret := strings.Cut(login, ":")
		b.WriteString(user)
		if secret {
			b.WriteString(":" + hidden)
		}
		b.WriteByte('@')
		rest = after
	}
	place, query, ok := strings.Cut(rest, "?")
	b.WriteString(place)
	if ok {
		b.WriteByte('?')
		b.WriteString(redactQuery(query))
	}
	return b.String()
}

// redactQuery returns the parameters of a URL without passwords. It hides every parameter
// that it does not know, which may be the rest of a password with & in it.
func redactQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		rawKey, value, _ := strings.Cut(pair, "=")
		key, err := url.PathUnescape(rawKey)
		switch {
		case pair == "":
		case err == nil && (key == "password" || key == "sslpassword"):
			pairs[i] = rawKey + "=" + hidden
		case err != nil || strings.Contains(value, "=") || !shownParameter(key):
			pairs[i] = "hidden=" + hidden
		}
	}
	return strings.Join(pairs, "&")
}

// shownParameters are the parameters that [Redact] shows.
var shownParameters = strings.Fields(`host hostaddr port user dbname database connect_timeout options service servicefile passfile
	ssl sslmode sslcert sslkey sslrootcert sslcertmode sslnegotiation sslsni krbspn krbsrvname channel_binding require_auth
	target_session_attrs min_protocol_version max_protocol_version application_name search_path timezone
	statement_timeout lock_timeout idle_in_transaction_session_timeout
	default_query_exec_mode statement_cache_capacity description_cache_capacity
	pool_max_conns pool_min_conns pool_min_idle_conns pool_max_conn_lifetime pool_max_conn_idle_time pool_health_check_period pool_max_conn_lifetime_jitter`)

func shownParameter(key string) bool { return slices.Contains(shownParameters, key) }

// CheckURL returns an error if a URL is invalid, without calling the database. It reads the
// files that the URL names. The error is one sentence that does not contain the password.
func CheckURL(rawURL string) error {
	_, err := parseURL(rawURL)
	return err
}

// cutScheme cuts the scheme of a URL off.
func cutScheme(rawURL string) (scheme, rest string, ok bool) {
	for _, s := range schemes {
		if rest, ok := strings.CutPrefix(rawURL, s); ok {
			return s, rest, true
		}
	}
	return "", rawURL, false
}

// checkAt checks that a URL, without its scheme, has at most one @, which ends the
// password. pgx accepts more, and then takes the rest of a password for a host or a
// database, whose names are not secret.
func checkAt(rest string) error {
	at := strings.IndexByte(rest, '@')
	slash := strings.IndexByte(rest, '/')
	if at >= 0 && (slash >= 0 && slash < at || strings.IndexByte(rest[at+1:], '@') >= 0) {
		return errors.New("the URL of the database has / or @ in the user or the password; write / as %2F and @ as %40")
	}
	return nil
}

// parseURL parses a URL as pgx reads it, together with PGPASSWORD and the other variables of
// PostgreSQL. Its errors are as those of [CheckURL].
func parseURL(rawURL string) (*pgxpool.Config, error) {
	scheme, rest, ok := cutScheme(rawURL)
	if !ok {
		return nil, errors.New("the URL of the database has another scheme; write postgres://USER@HOST/DATABASE")
	}
	if err := checkAt(rest); err != nil {
		return nil, err
	}
	c, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, urlError(scheme+rest, err)
	}
	return c, nil
}

// urlError returns an error of pgx's parser without the URL. The parser repeats a part of a
// URL whose form is wrong, and that may be a part of the password.
func urlError(rawURL string, err error) error {
	e, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if !ok {
		return errors.New("the URL of the database is invalid; write postgres://USER@HOST/DATABASE")
	}
	without := *e
	without.ConnString = ""
	text := strings.TrimPrefix(without.Error(), "cannot parse ``: ")
	switch {
	case strings.HasPrefix(text, "failed to parse as URL"):
		return errors.New("the URL of the database cannot be read; write postgres://USER@HOST/DATABASE?NAME=VALUE, and in each part % as %25, & as %26 and = as %3D")
	case text == "invalid port":
		return errors.New("the URL of the database has no number as its port; write postgres://USER@HOST:PORT/DATABASE, and : in the password as %3A")
	}
	return fmt.Errorf("the database %s: %s; correct its URL, or the variables that begin with PG", Redact(rawURL), oneLine(text))
}

// oneLine returns text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// poolConfig returns the configuration of connections to the database of o.
func poolConfig(o Options) (*pgxpool.Config, error) {
	c, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	warnPasswordFile(o, c.ConnConfig)
	if !gives(o.URL, "pool_max_conns") {
		c.MaxConns = max(defaultMaxConns, c.MinConns, c.MinIdleConns)
	}
	c.ConnConfig.OnNotice = onNotice
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = defaultConnectTimeout
	}
	if c.ConnConfig.ValidateConnect == nil { // a standby serves nothing, and its data are not the newest
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
		if severalHosts(c.ConnConfig) {
			c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	if pooled(c) {
		return c, nil
	}
	for name, value := range sessionDefaults {
		if _, given := c.ConnConfig.RuntimeParams[name]; !given {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	return c, nil
}

// warnPasswordFile logs a warning if the password comes from a file that others can read.
// PostgreSQL's own programs ignore such a file; pgx does not.
func warnPasswordFile(o Options, c *pgx.ConnConfig) {
	if c.Password == "" || strings.Contains(Redact(o.URL), hidden) || os.Getenv("PGPASSWORD") != "" {
		return
	}
	file := os.Getenv("PGPASSFILE")
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return
		}
		file = filepath.Join(home, ".pgpass")
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		o.log().Warn("others can read the file of the database's password, and psql ignores it: chmod 600 it", slog.String("file", file))
	}
}

// atHost returns a URL with one other host. The certificate that TLS expects, the attempts
// with and without TLS, and the line of .pgpass all depend on the host, so they follow from
// the URL.
func atHost(rawURL, host string, port uint16) string {
	login, place, ok := strings.Cut(rawURL, "@")
	if !ok {
		login, place = "", rawURL
	} else {
		login += "@"
	}
	place, query, _ := strings.Cut(place, "?")
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		rawKey, _, _ := strings.Cut(pair, "=")
		key, _ := url.PathUnescape(rawKey)
		return key == "" || key == "host" || key == "hostaddr" || key == "port"
	})
	pairs = append(pairs, "host="+url.PathEscape(host), "port="+strconv.Itoa(int(port))) // they go before the place
	return login + place + "?" + strings.Join(pairs, "&")
}

// gives reports whether a URL, or a variable or service that it relies on, gives a
// parameter. [pgxpool.ParseConfig] does not tell its defaults from given values.
func gives(rawURL, name string) bool {
	c, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return false
	}
	_, ok := c.RuntimeParams[name]
	return ok
}

// severalHosts reports whether c names more than one server.
func severalHosts(c *pgx.ConnConfig) bool {
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port {
			return true
		}
	}
	return false
}

// pooled reports whether connections must work through a pooler that gives each transaction
// another session. Then they have no prepared statements and set nothing in the session.
func pooled(c *pgxpool.Config) bool {
	mode := c.ConnConfig.DefaultQueryExecMode
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
}
