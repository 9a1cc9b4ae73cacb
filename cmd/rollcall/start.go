package main

import (
	"errors"
	"log/slog"
	"strings"

	"rollcall/internal/config"
)

// formatJSON is the form of a log that programs read.
const formatJSON = "json"

// tellStart logs why a server does not start if the log is in JSON, because programs
// cannot read the text that run prints. It then returns an error without a text and with
// the exit code of err. Otherwise it returns err.
func tellStart(env *environment, format string, err error) error {
	if format != formatJSON {
		return err
	}
	slog.New(slog.NewJSONHandler(env.stderr, nil)).Error("cannot start", slog.String("err", sentence(err)))
	return &quietError{codeOf(err)}
}

// formatOf returns the log format of the settings that caused err, or "".
func formatOf(err error) string {
	m, _ := errors.AsType[*config.Error](err)
	if m == nil {
		return ""
	}
	return m.LogFormat
}

// startFormat returns the log format of invalid arguments, or "" if they start no server.
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

// flagText returns the value of a flag in args, or "" if args do not contain it.
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
