package main

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"rollcall/internal/config"
)

// decoders returns decoders for the values of flags and arguments. They replace kong's
// own, whose errors name types of Go and which take a negative number for a flag.
func decoders() []kong.Option {
	options := []kong.Option{
		kong.TypeMapper(reflect.TypeFor[slog.Level](), kong.MapperFunc(decodeLevel)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
	}
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decodeNumber)))
	}
	return options
}

// popText returns the text of a value. The value may begin with a hyphen and a digit,
// which kong would take for a flag.
func popText(d *kong.DecodeContext, what string) (string, error) {
	if text := d.Scan.Peek().String(); len(text) > 1 && text[0] == '-' && '0' <= text[1] && text[1] <= '9' {
		return d.Scan.Pop().String(), nil
	}
	t, err := d.Scan.PopValue(what)
	if err != nil {
		return "", fmt.Errorf("give %s after it", what)
	}
	return t.String(), nil
}

// decodeNumber reads a whole number from 0 up. Its error names 1 as the least number where
// checkGiven refuses 0.
func decodeNumber(d *kong.DecodeContext, target reflect.Value) error {
	text, err := popText(d, "a number")
	if err != nil {
		return err
	}
	bits := target.Type().Bits()
	if target.CanInt() {
		bits--
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%q is too large", text)
	}
	if err != nil {
		least := 0
		if d.Value.Tag.Has(givenTag) {
			least = 1
		}
		if bits > 32 {
			return fmt.Errorf("%q is not a whole number from %d up", text, least)
		}
		return fmt.Errorf("%q is not a whole number from %d to %d", text, least, uint64(1)<<bits-1)
	}
	target.Set(reflect.ValueOf(n).Convert(target.Type()))
	return nil
}

// decodeDuration reads a duration.
func decodeDuration(d *kong.DecodeContext, target reflect.Value) error {
	text, err := popText(d, "a duration")
	if err != nil {
		return err
	}
	duration, err := config.ParseDuration(text)
	if err != nil {
		return err
	}
	if duration < 0 {
		return fmt.Errorf("%s is negative: give a duration such as 30s, 24h or 30d", text)
	}
	target.SetInt(int64(duration))
	return nil
}

// decodeLevel reads a level of the log.
func decodeLevel(d *kong.DecodeContext, target reflect.Value) error {
	text, err := popText(d, "a level")
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("%q is no level: give one of debug, info, warn, error", text)
	}
	target.Set(reflect.ValueOf(level))
	return nil
}
