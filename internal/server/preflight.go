package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/private"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/open"
)

// preflight reads every file that the settings name, creates the certificate of
// --tls-local, binds the addresses, and opens
// the secrets of a backup without changing it.
func (s *Server) preflight(ctx context.Context) (err error) {
	if err := s.closeStore(); err != nil {
		return err
	}
	if err := s.readFiles(); err != nil {
		return err
	}
	if s.o.SealKeys != "" {
		if _, err := seal.ReadRing(s.o.SealKeys); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if s.o.AdminTokenFile != "" {
		if s.adminToken, err = s.earlyToken(s.o.AdminTokenFile); err != nil {
			return err
		}
	}
	if err := s.openLocal(); err != nil {
		return err
	}
	if err := s.bind(ctx); err != nil {
		return err
	}
	return s.checkBackup(ctx)
}

// closeStore closes the directory of the store to others. It refuses the directory if
// another user may have put anything into it, such as a token.
func (s *Server) closeStore() error {
	dir, ok := open.Dir(s.o.Store)
	if !ok {
		return nil
	}
	if err := private.Dir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the store: %w", err)
	}
	return nil
}

// checkBackup opens the secrets of a store that is an unused backup. If the sealing keys
// are wrong, the start fails before it changes the backup.
func (s *Server) checkBackup(ctx context.Context) error {
	dir, ok := open.Dir(s.o.Store)
	if !ok || s.o.SealKeys == "" || filepath.Base(dir) != backup.Store || !backup.Untouched(filepath.Dir(dir)) {
		return nil
	}
	return open.Read(ctx, s.o.Store, func(e account.Engine) error { return records.Check(ctx, e, s.o.SealKeys) })
}
