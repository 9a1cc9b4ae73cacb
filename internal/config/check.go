package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A violation says which setting breaks a rule. In its text, {key} stands for the name
// of a setting. It is replaced by the spelling that the source of the violation uses.
type violation struct {
	key  string
	text string
}

func blame(key, format string, args ...any) *violation {
	return &violation{key, fmt.Sprintf(format, args...)}
}

// spell returns the text of v with the names of settings as from spells them.
func (v *violation) spell(from Source) string {
	text := v.text
	for _, s := range settings {
		text = strings.ReplaceAll(text, "{"+s.Key+"}", from.name(s))
	}
	return text
}

// rules check settings alone and together. checkEmpty comes first, because the other
// rules treat an empty text as a setting that was not given.
var rules = []func(*Loaded) *violation{
	checkEmpty, checkAddresses, checkDistinct, checkTLS, checkOutside, checkLoopback, checkApp,
	checkRanges, checkNetworks, checkImportDir, checkSeed, checkStore, checkRedis, checkTraces, checkBackups, checkSealed, checkSecrets, checkFiles,
}

// check returns the first violation of a rule. It is called before values are derived.
func (l *Loaded) check() error {
	for _, rule := range rules {
		if v := rule(l); v != nil {
			return l.errorOf(v)
		}
	}
	return nil
}

// errorOf returns v as an error with its place.
func (l *Loaded) errorOf(v *violation) error {
	from := l.sources[v.key]
	return &Error{Source: from, Text: v.spell(from)}
}

// checkEmpty looks for settings that were given as empty texts. Most of them come from
// a shell variable that is not set.
func checkEmpty(l *Loaded) *violation {
	for _, s := range settings {
		if l.sources[s.Key].kind == fromDefault {
			continue
		}
		switch v := s.of(&l.Config).Interface().(type) {
		case string:
			if v == "" {
				return blame(s.Key, "{%s} is empty: give a value, or leave it out", s.Key)
			}
		case []string:
			byFlag := l.sources[s.Key].kind == fromFlag // the command line drops empty names
			if slices.Contains(v, "") || byFlag && len(v) == 0 {
				return blame(s.Key, "{%s} has an empty name: give each one a value", s.Key)
			}
		}
	}
	return nil
}

func checkAddresses(c *Loaded) *violation {
	for _, a := range [][2]string{{"listen", c.Listen}, {"admin_listen", c.AdminListen}, {"pprof_listen", c.PprofListen}} {
		_, port, err := net.SplitHostPort(a[1])
		if _, portErr := strconv.ParseUint(port, 10, 16); (err != nil || portErr != nil) && a[1] != "" && !(a[0] == "admin_listen" && a[1] == AdminOff) {
			return blame(a[0], "{%s} %s is no address: give host:port, or :port for every address of this machine", a[0], a[1])
		}
	}
	return nil
}

// checkDistinct looks for two settings with the same address.
func checkDistinct(c *Loaded) *violation {
	named := [][2]string{{"listen", c.Listen}, {"admin_listen", c.AdminListen}, {"pprof_listen", c.PprofListen}}
	for i, a := range named {
		for _, b := range named[:i] {
			if overlap(a[1], b[1]) {
				return blame(a[0], "{%s} %s and {%s} %s are the same address: give another port", a[0], a[1], b[0], b[1])
			}
		}
	}
	return nil
}

// overlap reports whether two addresses cannot both be opened. Port 0 stands for any
// free port. An empty host stands for every host.
func overlap(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	every := func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	}
	return hostA == hostB || every(hostA) || every(hostB)
}

func checkTLS(c *Loaded) *violation {
	const text = "{tls_cert} and {tls_key} go together: give both or neither"
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return &violation{"tls_cert", text}
	case c.TLSCert == "" && c.TLSKey != "":
		return &violation{"tls_key", text}
	case c.TLSCert != "" && c.TLSLocal:
		return &violation{"tls_local", "{tls_local} and {tls_cert} exclude each other: give one certificate"}
	case c.TLSLocal && c.Data == "":
		return &violation{"data", "{tls_local} keeps its files in {data}: give a directory"}
	}
	return nil
}

func checkOutside(c *Loaded) *violation {
	if c.TLSCert != "" || c.TLSLocal || c.InsecureListen || Loopback(c.Listen) {
		return nil
	}
	return blame("listen", "%s can be reached from outside: give {tls_cert} and {tls_key}, {tls_local} for tests, or {insecure_listen} to serve it in the clear", c.Listen)
}

func checkLoopback(c *Loaded) *violation {
	for _, a := range [][2]string{{"admin_listen", c.AdminListen}, {"pprof_listen", c.PprofListen}} {
		if a[1] != "" && !Loopback(a[1]) && !(a[0] == "admin_listen" && a[1] == AdminOff) {
			return blame(a[0], "{%s} %s can be reached from outside: choose a loopback address", a[0], a[1])
		}
	}
	return nil
}

func checkApp(c *Loaded) *violation {
	const text = "{sdkappid} and {key_file} go together: give both or neither"
	switch {
	case c.SDKAppID != 0 && c.KeyFile == "":
		return &violation{"sdkappid", text}
	case c.SDKAppID == 0 && c.KeyFile != "":
		return &violation{"key_file", text}
	case c.SDKAppID == 0 && c.Admin != "":
		return &violation{"admin", "{admin} needs {sdkappid} and {key_file}"}
	}
	return nil
}

// Limits of numbers and durations.
const (
	maxInFlight        = 65536
	maxLinks           = 1000000
	minLinkPing        = time.Second
	maxLinkPing        = 5 * time.Minute
	maxUploadMiB       = 1 << 20
	maxDrain           = 5 * time.Minute
	minShutdownTimeout = time.Second
	maxShutdownTimeout = 10 * time.Minute
)

// checkImportDir looks for a directory of imports that is none.
func checkImportDir(l *Loaded) *violation {
	if l.ImportDir == "" {
		return nil
	}
	info, err := os.Stat(l.ImportDir)
	switch {
	case err != nil:
		return blame("import_dir", "{import_dir} names %s, which cannot be read: correct the name, or create the directory", l.ImportDir)
	case !info.IsDir():
		return blame("import_dir", "{import_dir} names %s, which is no directory: name the directory of the files", l.ImportDir)
	}
	return nil
}

// badOrigin returns the index of the first text that is no origin of a page, or -1.
func badOrigin(origins []string) int {
	return slices.IndexFunc(origins, func(o string) bool {
		u, err := url.Parse(o)
		return o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || o != u.Scheme+"://"+u.Host)
	})
}

// checkNetworks looks for a range of addresses that is none.
func checkNetworks(l *Loaded) *violation {
	for _, text := range l.WebhookAllowNetworks {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			return blame("webhook_allow_networks", "{webhook_allow_networks} contains %s, which is no range of addresses: give ranges such as 10.1.2.0/24 or 10.1.2.3/32", printable(text))
		}
	}
	return nil
}

// Networks returns the ranges of WebhookAllowNetworks, which are checked.
func (c *Config) Networks() []netip.Prefix {
	ps := make([]netip.Prefix, len(c.WebhookAllowNetworks))
	for i, text := range c.WebhookAllowNetworks {
		ps[i] = netip.MustParsePrefix(text)
	}
	return ps
}

func checkRanges(l *Loaded) *violation {
	switch {
	case l.SDKAppID == 0 && l.sources["sdkappid"].kind != fromDefault:
		return &violation{"sdkappid", "{sdkappid} is 0: give a whole number from 1 to 4294967295"}
	case l.MaxInFlight < 1 || l.MaxInFlight > maxInFlight:
		return blame("max_in_flight", "{max_in_flight} is %d: give a whole number from 1 to %d", l.MaxInFlight, maxInFlight)
	case l.LinkAppLimit < 1 || l.LinkAppLimit > maxLinks:
		return blame("link_app_limit", "{link_app_limit} is %d: give a whole number from 1 to %d", l.LinkAppLimit, maxLinks)
	case l.LinkAddressLimit < 1 || l.LinkAddressLimit > maxLinks:
		return blame("link_address_limit", "{link_address_limit} is %d: give a whole number from 1 to %d", l.LinkAddressLimit, maxLinks)
	case l.LinkPing < minLinkPing || l.LinkPing > maxLinkPing:
		return blame("link_ping", "{link_ping} is %v: give a duration from %v to %v", l.LinkPing, minLinkPing, maxLinkPing)
	case badOrigin(l.LinkOrigins) >= 0:
		return blame("link_origins", "{link_origins} has %q: give origins such as https://app.example.com, or *", l.LinkOrigins[badOrigin(l.LinkOrigins)])
	case l.MaxUploadMiB < 1 || l.MaxUploadMiB > maxUploadMiB:
		return blame("max_upload_mib", "{max_upload_mib} is %d: give a whole number from 1 to %d", l.MaxUploadMiB, maxUploadMiB)
	case l.Drain < 0 || l.Drain > maxDrain:
		return blame("drain", "{drain} is %v: give a duration from 0s to %v", l.Drain, maxDrain)
	case l.ShutdownTimeout < minShutdownTimeout || l.ShutdownTimeout > maxShutdownTimeout:
		return blame("shutdown_timeout", "{shutdown_timeout} is %v: give a duration from %v to %v", l.ShutdownTimeout, minShutdownTimeout, maxShutdownTimeout)
	}
	return nil
}

// checkSeed checks that the server allows the apps of seed files.
func checkSeed(l *Loaded) *violation {
	allowed := l.AllowTestApps
	if allowed == nil {
		allowed = new(l.Developer())
	}
	if len(l.Seed) == 0 || *allowed {
		return nil
	}
	return &violation{"seed", "{seed} creates test apps, which this server does not allow: give {allow_test_apps}, or leave it out"}
}

func checkStore(l *Loaded) *violation {
	if l.Store == "" || l.o.CheckStore == nil {
		return nil
	}
	if err := l.o.CheckStore(l.Store); err != nil {
		return blame("store", "%v", err)
	}
	return nil
}

func checkRedis(l *Loaded) *violation {
	switch {
	case l.Redis == "" && l.RedisPasswordFile != "":
		return &violation{"redis_password_file", "{redis_password_file} needs {redis}: give its URL, or leave the password out"}
	case l.Redis == "" || l.o.CheckRedis == nil:
		return nil
	}
	if err := l.o.CheckRedis(l.Redis); err != nil {
		return blame("redis", "{redis} cannot be used: %v", err)
	}
	return nil
}

func checkTraces(l *Loaded) *violation {
	u, err := url.Parse(l.TraceTo)
	switch {
	case !(l.TraceSample >= 0 && l.TraceSample <= 1): // also for NaN
		return blame("trace_sample", "{trace_sample} is %v: give a number from 0 to 1, as 0.01", l.TraceSample)
	case l.TraceTo == "":
		return nil
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return &violation{"trace_to", "{trace_to} is no URL of a collector: give one like http://127.0.0.1:4318"}
	case u.User != nil:
		return &violation{"trace_to", "{trace_to} has a user or a password: give them in the variable OTEL_EXPORTER_OTLP_HEADERS, as authorization=Basic%20…"}
	}
	return nil
}

func checkBackups(l *Loaded) *violation {
	if l.o.CheckBackups == nil {
		return nil
	}
	if key, err := l.o.CheckBackups(&l.Config); err != nil {
		return blame(key, "{%s} %v", key, err)
	}
	return nil
}

// checkSealed checks that the sealing keys have a file. Only [New] allows a server
// without a data directory.
func checkSealed(l *Loaded) *violation {
	if l.Data != "" || l.SealKeys != "" || l.Store == memStore {
		return nil
	}
	return &violation{"data", "a store on disk needs a file of sealing keys: give {data} or {seal_keys}"}
}

// checkSecrets looks for secrets in values of the command line. Values of the other
// sources were checked when they were read.
func checkSecrets(l *Loaded) *violation {
	for _, s := range settings {
		if s.file != noFile && looksSecret(s.Text(&l.Config)) {
			return blame(s.Key, "{%s} holds a secret itself: put that in a file of mode 0600 and give the file's name", s.Key)
		}
	}
	return nil
}

// Developer reports whether c configures a developer's server: on a loopback address,
// without a certificate of its own, and without a separate address for admins. A developer's server serves
// the admin API on the address of the account API, creates a demo app, shows its key,
// and allows test apps.
func (c *Config) Developer() bool {
	return c.TLSCert == "" && c.AdminListen == "" && Loopback(c.Listen)
}

// Loopback reports whether addr, which consists of a host and a port, can be reached
// from this machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
