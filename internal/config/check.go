package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A fault is what contradicts a rule. In its text {key} stands for the name of a
// setting, in the spelling of the source of the setting to blame.
type fault struct {
	key  string
	text string
}

func blame(key, format string, args ...any) *fault { return &fault{key, fmt.Sprintf(format, args...)} }

// spell puts the names of settings into a fault's text.
func (f *fault) spell(from Source) string {
	text := f.text
	for _, s := range settings {
		text = strings.ReplaceAll(text, "{"+s.Key+"}", from.name(s))
	}
	return text
}

// rules are what settings must be, alone and together. The first comes first because
// an empty text would pass for a setting that nobody gave.
var rules = []func(*Loaded) *fault{
	checkEmpty, checkAddresses, checkDistinct, checkTLS, checkOutside, checkLoopback, checkApp,
	checkRanges, checkStore, checkSealed, checkSecrets, checkFiles,
}

// check reports what is wrong with the values of l, before any is derived.
func (l *Loaded) check() error {
	for _, rule := range rules {
		if f := rule(l); f != nil {
			return l.mistake(f)
		}
	}
	return nil
}

// mistake returns the error that f is, with its place.
func (l *Loaded) mistake(f *fault) error {
	from := l.sources[f.key]
	return &Mistake{Source: from, Text: f.spell(from)}
}

// checkEmpty looks for empty texts that somebody gave, most often out of a
// variable that is not set.
func checkEmpty(l *Loaded) *fault {
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
			byFlag := l.sources[s.Key].kind == fromFlag // which leaves an empty name out
			if slices.Contains(v, "") || byFlag && len(v) == 0 {
				return blame(s.Key, "{%s} has an empty name: give each one a value", s.Key)
			}
		}
	}
	return nil
}

func checkAddresses(c *Loaded) *fault {
	for _, a := range [][2]string{{"listen", c.Listen}, {"admin_listen", c.AdminListen}, {"pprof_listen", c.PprofListen}} {
		_, port, err := net.SplitHostPort(a[1])
		if _, portErr := strconv.ParseUint(port, 10, 16); (err != nil || portErr != nil) && a[1] != "" && !(a[0] == "admin_listen" && a[1] == AdminOff) {
			return blame(a[0], "{%s} %s is no address: give host:port, or :port for every address of this machine", a[0], a[1])
		}
	}
	return nil
}

// checkDistinct looks for two settings that name one address.
func checkDistinct(c *Loaded) *fault {
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

// overlap reports whether two addresses cannot both be opened. A port of 0 is a free
// one, and no host is every host.
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

func checkTLS(c *Loaded) *fault {
	const text = "{tls_cert} and {tls_key} go together: give both or neither"
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return &fault{"tls_cert", text}
	case c.TLSCert == "" && c.TLSKey != "":
		return &fault{"tls_key", text}
	}
	return nil
}

func checkOutside(c *Loaded) *fault {
	if c.TLSCert != "" || c.InsecureListen || Loopback(c.Listen) {
		return nil
	}
	return blame("listen", "%s can be reached from outside: give {tls_cert} and {tls_key}, or {insecure_listen} to serve it in the clear", c.Listen)
}

func checkLoopback(c *Loaded) *fault {
	for _, a := range [][2]string{{"admin_listen", c.AdminListen}, {"pprof_listen", c.PprofListen}} {
		if a[1] != "" && !Loopback(a[1]) && !(a[0] == "admin_listen" && a[1] == AdminOff) {
			return blame(a[0], "{%s} %s can be reached from outside: choose a loopback address", a[0], a[1])
		}
	}
	return nil
}

func checkApp(c *Loaded) *fault {
	const text = "{sdkappid} and {key_file} go together: give both or neither"
	switch {
	case c.SDKAppID != 0 && c.KeyFile == "":
		return &fault{"sdkappid", text}
	case c.SDKAppID == 0 && c.KeyFile != "":
		return &fault{"key_file", text}
	case c.SDKAppID == 0 && c.Admin != "":
		return &fault{"admin", "{admin} needs {sdkappid} and {key_file}"}
	}
	return nil
}

// Bounds of numbers.
const (
	maxInFlight        = 65536
	minShutdownTimeout = time.Second
	maxShutdownTimeout = 10 * time.Minute
)

func checkRanges(l *Loaded) *fault {
	switch {
	case l.SDKAppID == 0 && l.sources["sdkappid"].kind != fromDefault:
		return &fault{"sdkappid", "{sdkappid} is 0: give a whole number from 1 to 4294967295"}
	case l.MaxInFlight < 1 || l.MaxInFlight > maxInFlight:
		return blame("max_in_flight", "{max_in_flight} is %d: give a whole number from 1 to %d", l.MaxInFlight, maxInFlight)
	case l.ShutdownTimeout < minShutdownTimeout || l.ShutdownTimeout > maxShutdownTimeout:
		return blame("shutdown_timeout", "{shutdown_timeout} is %v: give a duration from %v to %v", l.ShutdownTimeout, minShutdownTimeout, maxShutdownTimeout)
	}
	return nil
}

func checkStore(l *Loaded) *fault {
	if l.Store == "" || l.o.CheckStore == nil {
		return nil
	}
	if err := l.o.CheckStore(l.Store); err != nil {
		return blame("store", "%v", err)
	}
	return nil
}

// checkSealed looks for a place of the sealing keys. Only [New] allows a server
// without a data folder.
func checkSealed(l *Loaded) *fault {
	if l.Data != "" || l.SealKeys != "" || l.Store == memStore {
		return nil
	}
	return &fault{"data", "a store on disk needs a file of sealing keys: give {data} or {seal_keys}"}
}

// checkSecrets looks at what only the command line could hold by now.
func checkSecrets(l *Loaded) *fault {
	for _, s := range settings {
		if s.file != noFile && looksSecret(s.Text(&l.Config)) {
			return blame(s.Key, "{%s} holds a secret itself: put that in a file of mode 0600 and give the file's name", s.Key)
		}
	}
	return nil
}

// Developer reports whether c is that of a developer's server: on a loopback
// address, in the clear, with no other address for admins. That one has the admin
// API on the address of the account API, creates a demo app, shows its key, and
// allows test apps.
func (c *Config) Developer() bool {
	return c.TLSCert == "" && c.AdminListen == "" && Loopback(c.Listen)
}

// Loopback reports whether addr, a host and a port, can be reached from this
// machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
