package redislimit

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

var errReply = errors.New("the reply to the script has another form; is it Redis?")

// CheckURL returns an error of one sentence unless text is the URL of a Redis:
// redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE], or rediss:// with TLS. Parameters can
// name further nodes of a cluster (addr=HOST:PORT) or the sentinels' name of the primary
// (master_set=NAME). The error does not contain the password.
func CheckURL(text string) error {
	_, err := clientOption(text, "")
	return err
}

// Redact returns the URL of a Redis without its password, for logs and messages. It returns
// another text unchanged, and nothing of a URL that it cannot parse.
func Redact(text string) string {
	if !strings.HasPrefix(text, "redis://") && !strings.HasPrefix(text, "rediss://") {
		return text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "redis://…"
	case u.User == nil:
		return text
	case u.User.Username() == "":
		u.User = nil
	default:
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// parameters are those that a URL may have. Others of the library would change what this
// package relies on.
var parameters = []string{"addr", "master_set"}

// errURL has no cause, because errors of package url contain the URL.
var errURL = errors.New("the URL of Redis is malformed: write redis://HOST:PORT, with :PASSWORD@ before the host if there is a password, and rediss:// for TLS")

func clientOption(text, password string) (o rueidis.ClientOption, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Fragment != "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return o, errURL
	}
	for name := range u.Query() {
		if !slices.Contains(parameters, name) {
			return o, errors.New("the URL of Redis has the parameter " + strconv.Quote(name) + ": only addr and master_set are allowed")
		}
	}
	if o, err = rueidis.ParseURL(text); err != nil {
		return o, errors.New("the URL of Redis does not end with the number of a database: write redis://HOST:PORT/0, or leave it out")
	}
	if password != "" {
		o.Password = password
	}
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.TLSConfig = o.TLSConfig
		o.Sentinel.Dialer.Timeout = connectTime
		o.Sentinel.TopologyRefreshInterval = 5 * time.Second // a notice of a failover can be lost
	}
	o.ClientName = "rollcall"
	o.Dialer.Timeout = connectTime
	o.ConnWriteTimeout = time.Second // ends a connection on which Redis hangs
	o.AlwaysPipelining = true        // otherwise the end of a context closes the connection
	o.DisableCache = true            // nothing is read twice
	o.DisableRetry = true            // a script may have counted
	o.PipelineMultiplex = -1         // one connection: scripts are combined already
	o.RingScaleEachConn = 8
	o.BlockingPoolSize = 1
	o.ReadBufferEachConn, o.WriteBufferEachConn = 64<<10, 64<<10
	return o, nil
}
