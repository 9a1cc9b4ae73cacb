package server

import (
	"context"
	"fmt"
	"os"
	"strings"

	"rollcall/internal/metrics"
	"rollcall/internal/ratelimit"
	"rollcall/internal/ratelimit/redislimit"
)

// newLimits returns the counter for rate limits: of Redis if the settings name one, otherwise
// of this process. It connects to nothing.
func (s *Server) newLimits() (ratelimit.Counter, error) {
	if s.o.Redis == "" {
		return ratelimit.New(), nil
	}
	l, err := redislimit.New(redislimit.Options{URL: s.o.Redis, Password: s.redisPassword, Logger: s.o.Logger})
	if err != nil {
		return nil, fmt.Errorf("--redis: %w", err)
	}
	s.limits = l
	s.metrics.WatchRedis(func() metrics.RedisCounts { return metrics.RedisCounts(l.Stats()) })
	return l, nil
}

// runLimits lets Redis count calls until ctx ends. The server works without Redis, too, so
// this is no part of its readiness.
func (s *Server) runLimits(ctx context.Context, _ func(error)) error { return s.limits.Run(ctx) }

// readRedisPassword reads the file of --redis-password-file.
func readRedisPassword(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--redis-password-file: %w", err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("--redis-password-file %s: the file does not consist of one line: write the password into it", file)
	}
	return text, nil
}
