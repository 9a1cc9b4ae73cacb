package config

import "strings"

// An Effective is a setting with the value that a server uses.
type Effective struct {
	Setting
	Value  string // as text, without the password of a URL; "" if the setting has no value
	Origin string // "flag", "environment", "file", "socket", "default", or "program" for a server inside another program
	Place  string // flag, variable, or file and line; "" otherwise
}

// origins are the kinds of sources in an [Effective].
var origins = map[sourceKind]string{fromDefault: "default", fromFile: "file", fromEnv: "environment", fromFlag: "flag", fromSocket: "socket"}

// Effective returns every setting with its value, in the order of [Config].
func (l *Loaded) Effective() []Effective {
	all := make([]Effective, len(settings))
	for i, s := range settings {
		source := l.Source(s)
		all[i] = Effective{Setting: s, Value: l.text(s), Origin: origins[source.kind]}
		if source.kind != fromDefault {
			all[i].Place = source.Describe(s)
		}
	}
	return all
}

// EffectiveIn returns the settings of a program that reads no sources. redact is that of
// [Options].
func EffectiveIn(c Config, redact func(string) string) []Effective {
	l := &Loaded{Config: c, o: Options{Redact: redact}}
	all := l.Effective()
	for i := range all {
		if all[i].Value != all[i].Default && all[i].given(&c) {
			all[i].Origin = "program"
		}
	}
	return all
}

// text returns the value of s as text, without a password.
func (l *Loaded) text(s Setting) string {
	if shown, secret := l.redact(s); secret {
		return shown
	}
	return s.Text(&l.Config)
}

// help returns the description of a setting without its default, which is a field of its own.
func help(text string) string { return strings.ReplaceAll(text, " (default: ${default})", "") }
