package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// Print writes the effective values, each with its source, as a YAML file that [Load]
// can read. It hides the password of a URL, which the file then lacks. No other setting
// contains a secret.
func (l *Loaded) Print(w io.Writer) error {
	var b strings.Builder
	for _, s := range settings {
		from := l.Source(s).Describe(s)
		if !s.given(&l.Config) && l.Source(s).kind == fromDefault && s.Default == "" && s.Takes != "true or false" {
			fmt.Fprintf(&b, "# %s is not set\n", s.Key)
			continue
		}
		value, err := s.yaml(&l.Config)
		if shown, secret := l.redact(s); secret {
			value, err = yamlLine(shown)
			from += ", without its password"
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s: %s # %s\n", s.Key, value, from)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// yaml returns the value of s on one line.
func (s *Setting) yaml(c *Config) (string, error) {
	v := s.of(c).Interface()
	switch s.Takes {
	case "a list of texts", "true or false":
	default:
		if _, number := v.(int); !number && s.Takes != "a number" {
			v = s.Text(c)
		}
	}
	return yamlLine(v)
}

// redact returns the value of a text without its password, and whether it has one.
func (l *Loaded) redact(s Setting) (text string, secret bool) {
	text, ok := s.of(&l.Config).Interface().(string)
	if !ok || l.o.Redact == nil {
		return "", false
	}
	shown := l.o.Redact(text)
	return shown, shown != text
}

func yamlLine(v any) (string, error) {
	b, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
	return strings.TrimSuffix(string(b), "\n"), err
}
