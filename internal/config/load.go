package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A Source says where a value comes from. The zero Source is the default.
type Source struct {
	kind sourceKind
	file string
	line int
}

type sourceKind uint8

const (
	fromDefault sourceKind = iota
	fromFile
	fromEnv
	fromFlag
	fromSocket
)

// Describe says, for a person, where the value of s comes from.
func (s Source) Describe(of Setting) string {
	switch s.kind {
	case fromFile:
		return fmt.Sprintf("%s:%d", s.file, s.line)
	case fromEnv:
		return of.Env
	case fromFlag:
		return of.Flag
	case fromSocket:
		return "socket of the supervisor"
	}
	return "default"
}

// name returns the name of a setting as s spells it.
func (s Source) name(of Setting) string {
	switch s.kind {
	case fromFile:
		return of.Key
	case fromEnv:
		return of.Env
	}
	return of.Flag
}

// An Error says what is wrong with a configuration: one sentence with the place and the
// remedy.
type Error struct {
	Source Source // place of the error
	Text   string

	// LogFormat is the log format of the configuration, for reporting the error. [Load]
	// sets it as far as it could read the settings.
	LogFormat string
}

func errorf(at Source, format string, args ...any) error {
	return &Error{Source: at, Text: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Source.kind == fromFile && e.Source.line > 0:
		return fmt.Sprintf("%s:%d: %s", e.Source.file, e.Source.line, e.Text)
	case e.Source.kind == fromFile:
		return e.Source.file + ": " + e.Text
	}
	return e.Text
}

// Options are the sources of a configuration. Later sources override earlier ones. All
// are optional.
type Options struct {
	File    string   // YAML
	Environ []string // "NAME=value", as [os.Environ] returns them
	Flags   *Config  // values of the command line
	Given   []string // names of the flags that were given, as "admin-host"

	// Sockets are the addresses of sockets that a supervisor has opened, by the key of the
	// setting that they replace, such as "listen".
	Sockets map[string]string

	// CheckStore checks the value of store. Its error is a sentence without secrets.
	CheckStore func(spec string) error

	// Redact returns the value of a setting without a password that it contains. Nil
	// returns it unchanged.
	Redact func(value string) string

	// CheckRedis checks the value of redis. Its error is a part of a sentence that does not
	// contain the password.
	CheckRedis func(url string) error

	// CheckBackups checks the settings of backups. It returns the key of a wrong one, and an
	// error whose text continues a sentence that begins with its name.
	CheckBackups func(*Config) (key string, err error)
}

// Loaded is a configuration with the source of each value.
type Loaded struct {
	Config
	sources map[string]Source // by key; defaults are absent
	o       Options
}

// Load reads a configuration and checks it. The error is a [*Error].
func Load(o Options) (*Loaded, error) {
	l := &Loaded{sources: map[string]Source{}, o: o}
	l.setDefaults()
	err := cmp.Or(l.readFile(o.File), l.readEnv(o.Environ))
	l.readFlags(o.Flags, o.Given)
	err = cmp.Or(err, l.readSockets(o.Sockets))
	if err == nil {
		err = l.check()
	}
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.LogFormat = l.LogFormat
		}
		return nil, err
	}
	l.derive()
	return l, nil
}

// New checks c and returns it with its defaults, for a program that reads no sources. A
// field with its zero value gets the default of its setting. Data is the exception: a
// server without it writes no files besides those of its store. The error is a [*Error]
// that names settings as flags.
func New(c Config) (Config, error) {
	l := &Loaded{Config: c}
	l.setDefaults()
	l.Data = c.Data
	if err := l.check(); err != nil {
		return Config{}, err
	}
	l.derive()
	return l.Config, nil
}

// setDefaults gives settings without a value their defaults.
func (l *Loaded) setDefaults() {
	for _, s := range settings {
		if s.Default == "" || s.given(&l.Config) {
			continue
		}
		if err := s.set(&l.Config, s.Default); err != nil {
			panic(err) // the tags of Config are wrong
		}
	}
}

// readEnv reads the settings of the environment to the end, and returns the first error.
// An unknown name with our prefix is an error, because a typo would go unnoticed. An
// empty value counts as not given.
func (l *Loaded) readEnv(environ []string) (first error) {
	for _, v := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(v, "=")
		key, ours := strings.CutPrefix(name, EnvPrefix)
		if !ours || text == "" {
			continue
		}
		first = cmp.Or(first, l.readVariable(name, strings.ToLower(key), text))
	}
	return first
}

// readVariable reads one variable with our prefix.
func (l *Loaded) readVariable(name, key, text string) error {
	s, ok := find(key)
	if !ok || s.Env != name {
		return errorf(Source{kind: fromEnv}, "%s is no setting: %s", name, suggest(key, func(s Setting) string { return s.Env }))
	}
	return l.set(s, Source{kind: fromEnv}, text)
}

// set parses text into a setting. Its error does not repeat a text that could be a
// secret.
func (l *Loaded) set(s *Setting, from Source, text string) error {
	l.sources[s.Key] = from
	if s.file != noFile && looksSecret(text) {
		return errorf(from, "%s holds a secret itself: put that in a file of mode 0600 and give the file's name", from.name(*s))
	}
	if err := s.set(&l.Config, text); err != nil {
		return errorf(from, "%s %v", from.name(*s), err)
	}
	return nil
}

// readFlags copies the values of flags that were given.
func (l *Loaded) readFlags(flags *Config, given []string) {
	for _, s := range settings {
		if slices.Contains(given, strings.TrimPrefix(s.Flag, "--")) {
			s.of(&l.Config).Set(s.of(flags))
			l.sources[s.Key] = Source{kind: fromFlag}
		}
	}
}

// readSockets sets the addresses of sockets that are open already. The rules then apply to
// the addresses that are really served, and not to those of the other sources.
func (l *Loaded) readSockets(sockets map[string]string) error {
	for _, s := range settings {
		addr, ok := sockets[s.Key]
		switch {
		case !ok:
			continue
		case s.Text(&l.Config) == AdminOff:
			from := l.sources[s.Key]
			return errorf(from, "%s is %s, but the supervisor passed a socket for it: remove one of the two", from.name(s), AdminOff)
		}
		if err := l.set(&s, Source{kind: fromSocket}, addr); err != nil {
			return err
		}
	}
	return nil
}

// SealFile is the name of the file in the data directory with the keys that seal the
// apps' secrets in the store, unless seal_keys names another.
const SealFile = "seal.keys"

// memStore is the value of store that keeps accounts in memory.
const memStore = "mem:"

// derive gives values to settings whose default depends on others.
func (l *Loaded) derive() {
	l.Store = cmp.Or(l.Store, "pebble:"+filepath.Join(l.Data, "accounts"))
	if l.SealKeys == "" && l.Store != memStore { // a store in memory needs no file of keys
		l.SealKeys = filepath.Join(l.Data, SealFile)
	}
	if l.AllowTestApps == nil {
		l.AllowTestApps = new(l.Developer())
	}
}

// Source returns where the value of a setting comes from.
func (l *Loaded) Source(s Setting) Source { return l.sources[s.Key] }
