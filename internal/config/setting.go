package config

import (
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"
)

// EnvPrefix begins the name of every setting in the environment.
const EnvPrefix = "ROLLCALL_CFG_"

// A Setting describes one field of [Config].
type Setting struct {
	Key     string // in the file, as "admin_host"
	Flag    string // on the command line, as "--admin-host"
	Env     string // in the environment, as "ROLLCALL_CFG_ADMIN_HOST"
	Field   string // in [Config], as "AdminHost"
	Default string // as text; "" for none, or for one that depends on other settings
	Takes   string // description of its values, as "a list of texts"
	Help    string // description in one sentence, as in the help of the command line

	typ  reflect.Type
	file fileRule
	enum []string
}

// A fileRule says what a setting requires of the file that it names.
type fileRule string

const (
	noFile      fileRule = ""        // the setting names none
	fileExist   fileRule = "exists"  // it must exist
	fileCreated fileRule = "created" // it is created if it does not exist
)

// settings contains every setting, in the order of [Config].
var settings = describe()

// Settings returns every setting, in the order of [Config].
func Settings() []Setting { return slices.Clone(settings) }

func describe() []Setting {
	var all []Setting
	for f := range reflect.TypeFor[Config]().Fields() {
		name := f.Tag.Get("name")
		key := strings.ReplaceAll(name, "-", "_")
		s := Setting{
			Key: key, Flag: "--" + name, Env: EnvPrefix + strings.ToUpper(key), Field: f.Name,
			Default: f.Tag.Get("default"), Help: help(f.Tag.Get("help")), typ: f.Type, file: fileRule(f.Tag.Get("file")),
		}
		if enum, ok := f.Tag.Lookup("enum"); ok {
			s.enum = strings.Split(enum, ",")
		}
		s.Takes = s.takes()
		all = append(all, s)
	}
	return all
}

// takes describes the values of s.
func (s *Setting) takes() string {
	switch {
	case s.enum != nil:
		return "one of " + strings.Join(s.enum, ", ")
	case s.file != noFile:
		return "the name of a file"
	}
	switch s.typ {
	case reflect.TypeFor[bool](), reflect.TypeFor[*bool]():
		return "true or false"
	case reflect.TypeFor[int](), reflect.TypeFor[uint32](), reflect.TypeFor[float64]():
		return "a number"
	case reflect.TypeFor[time.Duration]():
		return "a duration with its unit, as 10s"
	case reflect.TypeFor[[]string]():
		return "a list of texts"
	case reflect.TypeFor[slog.Level]():
		return "one of debug, info, warn, error"
	}
	return "a text"
}

// find returns the setting of a key.
func find(key string) (*Setting, bool) {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return nil, false
	}
	return &settings[i], true
}

// of returns the field of c that s describes.
func (s *Setting) of(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByName(s.Field) }

// given reports whether s has a value in c that is not the zero value of its type.
func (s *Setting) given(c *Config) bool { return !s.of(c).IsZero() }
