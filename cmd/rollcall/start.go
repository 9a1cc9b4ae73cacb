package main

import (
	"errors"
	"log/slog"
	"strings"

	"rollcall/internal/config"
)

// formatJSON is the form of a log that programs read.
const formatJSON = "json"

// tellStart tells why a server does not start, where the log is for programs:
// they could not read what run prints. The error it returns has the same exit
// code as err.
func tellStart(env *environment, format string, err error) error {
	if format != formatJSON {
		return err
	}
	slog.New(slog.NewJSONHandler(env.stderr, nil)).Error("cannot start", slog.String("err", err.Error()))
	return &quietError{codeOf(err)}
}

// formatOf returns the form of the log that settings ask for that have a mistake.
func formatOf(err error) string {
	m, _ := errors.AsType[*config.Error](err)
	if m == nil {
		return ""
	}
	return m.LogFormat
}

// startFormat returns the form of the log that args ask for, which make no sense
// as a whole, or "" if they start no server.
func startFormat(args []string) string {
	if len(args) == 0 || args[0] != "serve" {
		return ""
	}
	if format := flagText(args, "--log-format"); format != "" {
		return format
	}
	l, err := loadConfig(config.Options{File: flagText(args, "--config")})
	if err != nil {
		return formatOf(err)
	}
	return l.LogFormat
}

// flagText returns the text that args give to a flag, "" if none.
func flagText(args []string, flag string) (text string) {
	for i, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case name != flag:
		case ok:
			text = value
		case i+1 < len(args):
			text = args[i+1]
		}
	}
	return text
}
