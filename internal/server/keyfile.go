package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
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
		key.ID = nextFileKey(app.Keys)
		if app, err = s.dir.AddConfiguredKey(ctx, actor, app.ID, key); err != nil {
			return nil, err
		}
		s.logKey("key added from --key-file", app, key)
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

// nextFileKey returns an ID with a higher number than all earlier keys of the file.
func nextFileKey(keys []account.Key) string {
	newest := 0
	for _, k := range keys {
		if number, ok := strings.CutPrefix(k.ID, fileKeys); ok {
			n, _ := strconv.Atoi(number) // an ID without a number counts as 0
			newest = max(newest, n)
		}
	}
	return fileKeys + strconv.Itoa(newest+1)
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
	key.ID = nextFileKey(nil)
	return key, nil
}
