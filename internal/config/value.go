package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set parses text into the field of c that s describes. The text of the error continues
// a sentence that begins with the name of the setting, as in "is …".
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
		return s.numberError(err, text, "1 to 4294967295")
	case *int:
		n, err := strconv.Atoi(text)
		*p = n
		return s.numberError(err, text, "1 up")
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		*p = n
		if err != nil {
			return fmt.Errorf("is %s: give a number such as 0.01", text)
		}
		return nil
	case *time.Duration:
		return s.setDuration(p, text)
	case *[]string:
		*p = strings.Split(text, ",")
		return nil
	case *slog.Level:
		return s.setLevel(p, text)
	}
	panic("no way to set " + s.Field) // the type is new in Config
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

func (s *Setting) numberError(err error, text, limits string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("is %s: give a whole number from %s", text, limits)
}

func (s *Setting) setDuration(p *time.Duration, text string) (err error) {
	if *p, err = ParseDuration(text); err != nil {
		return fmt.Errorf("is %w", err)
	}
	return nil
}

// day is the longest unit of a duration, because months differ in length.
const (
	day     = 24 * time.Hour
	maxDays = 100_000 // time.Duration can represent 106,751
)

// ParseDuration parses a duration in the form of [time.ParseDuration]. The text may also
// begin with a whole number of days, as in 30d or 1d12h. The error repeats the text and
// says what to give.
func ParseDuration(text string) (time.Duration, error) {
	days, rest := uint64(0), text
	if before, after, ok := strings.Cut(text, "d"); ok {
		var err error
		if days, err = strconv.ParseUint(before, 10, 64); err != nil || days > maxDays {
			return 0, durationError(text)
		}
		rest = cmp.Or(after, "0")
	}
	d, err := time.ParseDuration(rest)
	if err != nil || days > 0 && (d < 0 || d > day) {
		return 0, durationError(text)
	}
	return time.Duration(days)*day + d, nil
}

func durationError(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Errorf("%s, without a unit: write %ss for seconds", text, text)
	}
	return fmt.Errorf("%q: give a number with its unit, as 500ms, 10s, 2m, 24h or 30d", text)
}

func (s *Setting) setLevel(p *slog.Level, text string) error {
	if err := p.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("is %q: give %s", text, s.Takes)
	}
	return nil
}

// Text returns the value of s in c in the form of the environment.
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
