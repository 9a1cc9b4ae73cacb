package curl

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// durations are texts such as 90s, 1h30m and -7d, small enough for an int64; parts are
// their parts.
var (
	durations = regexp.MustCompile(`^-?(?:[0-9]{1,9}(?:ms|[smhd])){1,5}$`)
	parts     = regexp.MustCompile(`([0-9]+)([a-z]+)`)
)

// unitMS are the units of durations in milliseconds.
var unitMS = map[string]int64{"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

// duration returns a duration as a number of units of so many milliseconds.
func duration(text string, unit int64) (any, error) {
	var ms int64
	for _, part := range parts.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.ParseInt(part[1], 10, 64) // of at most nine digits
		ms += n * unitMS[part[2]]
	}
	if !durations.MatchString(text) || ms%unit != 0 {
		return nil, errors.New("duration")
	}
	if strings.HasPrefix(text, "-") {
		ms = -ms
	}
	return ms / unit, nil
}
