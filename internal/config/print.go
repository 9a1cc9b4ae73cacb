package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// Print writes the effective values, each with its source, as a YAML file that [Load]
// can read. It contains no secret, because no setting does.
func (l *Loaded) Print(w io.Writer) error {
	var b strings.Builder
	for _, s := range settings {
		from := l.Source(s).Describe(s)
		if !s.given(&l.Config) && l.Source(s).kind == fromDefault && s.Default == "" && s.Takes != "true or false" {
			fmt.Fprintf(&b, "# %s is not set\n", s.Key)
			continue
		}
		value, err := s.yaml(&l.Config)
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
	b, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
	return strings.TrimSuffix(string(b), "\n"), err
}
