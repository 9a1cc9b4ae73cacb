package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set parses text into the field of c that s describes. The error is a predicate
// of the setting's name, as in "is …".
func (s *Setting) set(c *Config, text string) error {
	switch p := s.of(c).Addr().Interface().(type) {
	case *string:
		*p = text
		return s.checkEnum(text)
	case *bool:
		return s.setBool(p, text)
	case **bool:
		*p = new(bool)
		return s.setBool(*p, text)
	case *uint32:
		n, err := strconv.ParseUint(text, 10, 32)
		*p = uint32(n)
		return s.numberFault(err, text, "1 to 4294967295")
	case *int:
		n, err := strconv.Atoi(text)
		*p = n
		return s.numberFault(err, text, "1 up")
	case *time.Duration:
		return s.setDuration(p, text)
	case *[]string:
		*p = strings.Split(text, ",")
		return nil
	case *slog.Level:
		return s.setLevel(p, text)
	}
	panic("no way to set " + s.Field) // a type that Config did not have
}

func (s *Setting) checkEnum(text string) error {
	if s.enum == nil || slices.Contains(s.enum, text) {
		return nil
	}
	return fmt.Errorf("is %q: give %s", text, s.Takes)
}

func (s *Setting) setBool(p *bool, text string) error {
	*p = text == "true"
	if text == "true" || text == "false" {
		return nil
	}
	return fmt.Errorf("is %q: give true or false", text)
}

func (s *Setting) numberFault(err error, text, limits string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("is %s: give a whole number from %s", text, limits)
}

func (s *Setting) setDuration(p *time.Duration, text string) (err error) {
	if *p, err = time.ParseDuration(text); err == nil {
		return nil
	}
	if _, numberErr := strconv.ParseFloat(text, 64); numberErr == nil {
		return fmt.Errorf("is %s, without a unit: write %ss for seconds", text, text)
	}
	return fmt.Errorf("is %q: give a number with its unit, as 500ms, 10s or 2m", text)
}

func (s *Setting) setLevel(p *slog.Level, text string) error {
	if err := p.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("is %q: give %s", text, s.Takes)
	}
	return nil
}

// Text returns the value of s in c, as the environment holds it.
func (s *Setting) Text(c *Config) string {
	switch v := s.of(c).Interface().(type) {
	case *bool:
		return strconv.FormatBool(v != nil && *v)
	case []string:
		return strings.Join(v, ",")
	case slog.Level:
		return strings.ToLower(v.String())
	default:
		return fmt.Sprint(reflect.ValueOf(v))
	}
}
