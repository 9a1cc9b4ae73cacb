package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"rollcall/internal/account"
)

// fileKeys is the prefix of the IDs of keys that came from --key-file. Such a key is
// active while the file contains it. The file has no effect on other keys.
const fileKeys = "file-"

// useKey adds key, which comes from --key-file, to app. Then it retires the other active
// keys that came from there.
func (s *Server) useKey(ctx context.Context, app *account.App, key account.Key) (_ *account.App, err error) {
	now := s.dir.Now(app.ID)
	if !slices.ContainsFunc(app.ActiveKeys(now), key.SameSecret) {
		if app, err = s.dir.AddConfiguredKey(ctx, actor, app.ID, key, fileKeys); err != nil {
			return nil, err
		}
		active := app.ActiveKeys(now)
		if i := slices.IndexFunc(active, key.SameSecret); i >= 0 {
			s.logKey("key added from --key-file", app, active[i])
		}
	}
	for _, k := range app.ActiveKeys(now) {
		if !strings.HasPrefix(k.ID, fileKeys) || key.SameSecret(k) {
			continue
		}
		if app, err = s.dir.RetireKey(ctx, actor, app.ID, k.ID, now); err != nil {
			return nil, err
		}
		s.logKey("key retired: --key-file holds another one now", app, k)
	}
	return app, nil
}

func (s *Server) logKey(what string, app *account.App, k account.Key) {
	s.o.Logger.Info(what, slog.Uint64("app", uint64(app.ID)), slog.String("key", k.ID), slog.String("fingerprint", k.Fingerprint()))
}

// readKey reads the key of the app to serve.
func readKey(file string) (account.Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return account.Key{}, fmt.Errorf("--key-file: %w", err)
	}
	key, err := account.ReadKey(string(b))
	if err != nil {
		return account.Key{}, fmt.Errorf("--key-file %s: %w", file, err)
	}
	key.ID = fileKeys + "1" // of a new app
	return key, nil
}
