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
	}
	return "default"
}

// name spells the setting of in the manner of s.
func (s Source) name(of Setting) string {
	switch s.kind {
	case fromFile:
		return of.Key
	case fromEnv:
		return of.Env
	}
	return of.Flag
}

// A Mistake is what is wrong with a configuration: one sentence with the place
// and the remedy.
type Mistake struct {
	Source Source // where it is
	Text   string

	// LogFormat is the form of the log that the settings ask for, so that the
	// mistake can be told in it. [Load] sets it, as far as it could read them.
	LogFormat string
}

func mistake(at Source, format string, args ...any) error {
	return &Mistake{Source: at, Text: fmt.Sprintf(format, args...)}
}

func (m *Mistake) Error() string {
	switch {
	case m.Source.kind == fromFile && m.Source.line > 0:
		return fmt.Sprintf("%s:%d: %s", m.Source.file, m.Source.line, m.Text)
	case m.Source.kind == fromFile:
		return m.Source.file + ": " + m.Text
	}
	return m.Text
}

// Options are what a configuration is read from, the weakest first. All are
// optional.
type Options struct {
	File    string   // YAML
	Environ []string // "NAME=value", as [os.Environ] returns them
	Flags   *Config  // values of the command line
	Given   []string // names of the flags that were given, as "admin-host"

	// CheckStore judges the value of store. Its error is a sentence.
	CheckStore func(spec string) error
}

// Loaded is a configuration and where each value of it comes from.
type Loaded struct {
	Config
	sources map[string]Source // by key; a default has none
	o       Options
}

// Load reads a configuration and checks it. The error is a [*Mistake].
func Load(o Options) (*Loaded, error) {
	l := &Loaded{sources: map[string]Source{}, o: o}
	l.setDefaults()
	err := cmp.Or(l.readFile(o.File), l.readEnv(o.Environ))
	l.readFlags(o.Flags, o.Given)
	if err == nil {
		err = l.check()
	}
	if err != nil {
		if m, ok := errors.AsType[*Mistake](err); ok {
			m.LogFormat = l.LogFormat
		}
		return nil, err
	}
	l.derive()
	return l, nil
}

// New returns c complete and checked, as [Load] returns a configuration. A field of
// its zero value has the default of its setting, but for Data: a server without it
// keeps nothing besides its store. The error is a [*Mistake] that names settings as
// flags.
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

// readEnv takes the settings of the environment, and goes on to the end after a
// mistake. A name that is none of ours is one: it is a typo, and would go unseen.
// An empty value is as none.
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

// readVariable takes what the environment has under a name of ours.
func (l *Loaded) readVariable(name, key, text string) error {
	s, ok := find(key)
	if !ok || s.Env != name {
		return mistake(Source{kind: fromEnv}, "%s is no setting: %s", name, suggest(key, func(s Setting) string { return s.Env }))
	}
	return l.set(s, Source{kind: fromEnv}, text)
}

// set takes a value. One that cannot be read is not repeated where it could be a
// secret.
func (l *Loaded) set(s *Setting, from Source, text string) error {
	l.sources[s.Key] = from
	if s.file != noFile && looksSecret(text) {
		return mistake(from, "%s holds a secret itself: put that in a file of mode 0600 and give the file's name", from.name(*s))
	}
	if err := s.set(&l.Config, text); err != nil {
		return mistake(from, "%s %v", from.name(*s), err)
	}
	return nil
}

// readFlags takes the values of flags that were given.
func (l *Loaded) readFlags(flags *Config, given []string) {
	for _, s := range settings {
		if slices.Contains(given, strings.TrimPrefix(s.Flag, "--")) {
			s.of(&l.Config).Set(s.of(flags))
			l.sources[s.Key] = Source{kind: fromFlag}
		}
	}
}

// SealFile is the name of the file in the data folder with the keys that seal the
// apps' secrets in the store, unless seal_keys names another.
const SealFile = "seal.keys"

// memStore is the value of store that keeps accounts in memory.
const memStore = "mem:"

// derive gives values to settings whose default depends on others.
func (l *Loaded) derive() {
	l.Store = cmp.Or(l.Store, "pebble:"+filepath.Join(l.Data, "accounts"))
	if l.SealKeys == "" && l.Store != memStore { // what is forgotten at the end needs no file
		l.SealKeys = filepath.Join(l.Data, SealFile)
	}
	if l.AllowTestApps == nil {
		l.AllowTestApps = new(l.Developer())
	}
}

// Source returns where the value of a setting comes from.
func (l *Loaded) Source(s Setting) Source { return l.sources[s.Key] }
