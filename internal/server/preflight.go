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
	"rollcall/internal/store/open"
	"rollcall/internal/store/sealed"
)

// preflight reads every file that the options name, binds the addresses, and opens
// the secrets of a backup without changing it.
func (s *Server) preflight(ctx context.Context) (err error) {
	if err := open.Check(s.o.Store); err != nil {
		return err
	}
	if err := s.closeStore(); err != nil {
		return err
	}
	if s.o.TLSCert != "" {
		if s.certificate, err = newCertificate(s.o.TLSCert, s.o.TLSKey, s.o.Logger); err != nil {
			return err
		}
	}
	if file := s.o.Credentials.KeyFile; file != "" {
		if s.key, err = readKey(file); err != nil {
			return err
		}
	}
	file, err := s.sealFile()
	if err != nil {
		return err
	}
	if file != "" {
		if _, err := sealed.ReadRing(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if s.o.AdminTokenFile != "" {
		if s.adminToken, err = readToken(s.o.AdminTokenFile); err != nil {
			return err
		}
	}
	if err := s.bind(ctx); err != nil {
		return err
	}
	return s.checkBackup(ctx, file)
}

// closeStore closes the directory of the store to others, and refuses it if another
// user may have put anything into it: a token of that user's, for example.
func (s *Server) closeStore() error {
	dir, ok := open.Dir(s.o.Store)
	if !ok {
		return nil
	}
	if err := private.Folder(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the store: %w", err)
	}
	return nil
}

// checkBackup opens the secrets of a store that is a backup on which no server has
// worked yet. With the wrong sealing keys the backup stays as it is.
func (s *Server) checkBackup(ctx context.Context, sealFile string) error {
	dir, ok := open.Dir(s.o.Store)
	if !ok || sealFile == "" || filepath.Base(dir) != backup.Store || !backup.Untouched(filepath.Dir(dir)) {
		return nil
	}
	return open.Read(s.o.Store, func(e account.Engine) error { return sealed.Check(ctx, e, sealFile) })
}

// sealFile returns the name of the file of sealing keys, "" for a store that lives
// no longer than the process.
func (s *Server) sealFile() (string, error) {
	switch {
	case s.o.SealKeys != "":
		return s.o.SealKeys, nil
	case s.o.Store == "mem:":
		return "", nil
	case s.o.DataDir == "":
		return "", errors.New("a store on disk needs a file of sealing keys: give --data or --seal-keys")
	}
	return filepath.Join(s.o.DataDir, SealFile), nil
}
