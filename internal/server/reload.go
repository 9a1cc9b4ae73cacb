package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/seal"
)

// liveSettings are the keys of the settings whose new values take effect without a restart.
var liveSettings = map[string]bool{"log_level": true}

// A reloading contains everything that a reload has read. Nothing of it is used before all of
// it was read, so one bad file changes nothing.
type reloading struct {
	settings      *config.Loaded // nil if Options have no Reload
	key           account.Key
	redisPassword string
	adminToken    string
	ring          *seal.Ring // nil without a file of sealing keys
}

// reload reads the settings and the files that they name again at each signal. It never ends
// the server.
func (s *Server) reload(ctx context.Context, _ func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Hangups:
		}
		s.o.Supervisor.Reloading()
		s.o.Supervisor.Ready("serving " + s.url() + "; " + s.reloadNow(ctx))
	}
}

// reloadNow reads everything again, and returns the outcome for people. It logs one line.
func (s *Server) reloadNow(ctx context.Context) string {
	next, err := s.readAgain()
	if err != nil && next.settings != nil {
		err = next.settings.Attribute(err)
	}
	if err != nil {
		s.o.Logger.Error("not reloaded, and everything stays as it was", slog.String("err", err.Error()))
		return "the last reload failed: " + err.Error()
	}
	changed, err := s.use(ctx, next)
	if err != nil {
		s.o.Logger.Error("reloaded in part: send the signal again for the rest", slog.String("changed", list(changed)), slog.String("err", err.Error()))
		return "the last reload failed in part: " + err.Error()
	}
	if waiting := s.needRestart(next.settings); len(waiting) > 0 {
		s.o.Logger.Warn("reloaded, but some changed settings need a restart", slog.String("changed", list(changed)), slog.String("restart_for", list(waiting)))
		return "restart for " + list(waiting)
	}
	s.o.Logger.Info("reloaded", slog.String("changed", list(changed)))
	return "reloaded"
}

// list returns names for people.
func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// readAgain reads the settings, and the files that the settings of the start name.
func (s *Server) readAgain() (next reloading, err error) {
	if s.o.Reload != nil {
		if next.settings, err = s.o.Reload(); err != nil {
			return next, err
		}
	}
	if s.certificate != nil {
		if err := s.certificate.check(); err != nil {
			return next, err
		}
	}
	if s.o.KeyFile != "" {
		if next.key, err = readKey(s.o.KeyFile); err != nil {
			return next, err
		}
	}
	if s.o.RedisPasswordFile != "" {
		if next.redisPassword, err = readRedisPassword(s.o.RedisPasswordFile); err != nil {
			return next, err
		}
	}
	if s.o.AdminTokenFile != "" {
		if next.adminToken, err = readToken(s.o.AdminTokenFile); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w; a new one is made at a start only", err)
			}
			return next, err
		}
	}
	if s.o.SealKeys != "" {
		next.ring, err = s.records.ReadKeys(s.o.SealKeys)
	}
	return next, err
}

// use uses what was read, and returns the names of the settings whose value or file has
// changed. An error comes from the store.
func (s *Server) use(ctx context.Context, next reloading) (changed []string, err error) {
	if s.certificate != nil && s.certificate.use() {
		changed = append(changed, "tls_cert")
	}
	if next.settings != nil && s.o.Level != nil && s.o.Level.Level() != next.settings.LogLevel {
		s.o.Level.Set(next.settings.LogLevel)
		changed = append(changed, "log_level")
	}
	if next.settings != nil {
		s.showSettings(next.settings)
	}
	if s.limits != nil && next.redisPassword != s.redisPassword {
		s.redisPassword = next.redisPassword
		s.limits.SetPassword(next.redisPassword)
		changed = append(changed, "redis_password_file")
	}
	if next.ring != nil {
		added, err := s.records.UseKeys(ctx, next.ring, s.shared)
		if err != nil {
			return changed, err
		}
		if added {
			changed = append(changed, "seal_keys")
		}
	}
	return s.useCredentials(ctx, next, changed)
}

// useCredentials uses the token and the key that were read, which change the store.
func (s *Server) useCredentials(ctx context.Context, next reloading, changed []string) ([]string, error) {
	if next.adminToken != s.adminToken {
		if err := s.dir.AdoptToken(ctx, directory.BootstrapToken, next.adminToken, 0); err != nil {
			return changed, err
		}
		s.adminToken = next.adminToken
		changed = append(changed, "admin_token_file")
	}
	if s.o.KeyFile == "" || next.key.SameSecret(s.key) {
		return changed, nil
	}
	app, err := s.dir.App(ctx, account.AppID(s.o.SDKAppID))
	if err == nil {
		_, err = s.useKey(ctx, app, next.key)
	}
	if err != nil {
		return changed, err
	}
	s.key = next.key
	return append(changed, "key_file"), nil
}

// showSettings lets the admin API show the settings that take effect now.
func (s *Server) showSettings(next *config.Loaded) {
	shown := append([]config.Effective(nil), *s.effective.Load()...)
	all := next.Effective()
	for i := range shown {
		if liveSettings[shown[i].Key] {
			shown[i] = all[i]
		}
	}
	s.effective.Store(&shown)
}

// needRestart returns the keys of the settings that have other values than at the start and
// take effect only at a start.
func (s *Server) needRestart(next *config.Loaded) (keys []string) {
	if next == nil {
		return nil
	}
	for _, setting := range config.Settings() {
		if !liveSettings[setting.Key] && setting.Text(&s.o.Config) != setting.Text(&next.Config) {
			keys = append(keys, setting.Key)
		}
	}
	return keys
}
