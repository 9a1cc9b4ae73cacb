package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) makeBackup(ctx context.Context, c *call, req adminapi.NewBackup) (adminapi.Backup, error) {
	if !s.backup.TryLock() {
		return adminapi.Backup{}, &problemError{conflict, "a backup is being made; wait for its end"}
	}
	defer s.backup.Unlock()
	if !s.dir.Copyable() {
		return adminapi.Backup{}, &problemError{unsupported, s.noBackup()}
	}
	if req.Dir == "" {
		return s.storeBackup(ctx, c)
	}
	start := time.Now()
	result, err := s.counts(ctx)
	if err != nil {
		return adminapi.Backup{}, err
	}
	if err := s.copyTo(ctx, req.Dir); err != nil {
		return adminapi.Backup{}, err
	}
	result.Dir = req.Dir
	result.TookMS = time.Since(start).Milliseconds()
	s.recordBackup(ctx, c, req.Dir)
	if s.o.BackedUp != nil {
		s.o.BackedUp(time.Now())
	}
	result.Bytes, err = size(req.Dir)
	return result, err
}

// storeBackup makes a backup in the repository of the server.
func (s *Server) storeBackup(ctx context.Context, c *call) (adminapi.Backup, error) {
	if s.o.Backups == nil {
		return adminapi.Backup{}, bad(noRepository + ", or give dir, the absolute path of a new directory")
	}
	b, err := s.o.Backups.Create(ctx)
	switch {
	case errors.Is(err, ErrBackupBusy):
		return b, &problemError{conflict, err.Error()}
	case err != nil && account.Ended(ctx) != nil:
		return b, account.Ended(ctx)
	case err != nil:
		return b, repositoryFault(err)
	}
	s.recordBackup(ctx, c, b.ID+" in "+b.Repository)
	return b, nil
}

const noRepository = "this server has no repository of backups; set backup_to"

// repositoryFault returns err, an error of the repository, as one that the caller sees.
func repositoryFault(err error) error {
	if _, ok := errors.AsType[*account.Error](err); ok {
		return err
	}
	return &account.Error{Code: account.Conflict, Detail: err.Error(), Err: err}
}

// listBackups lists the backups in the repository of the server.
func (s *Server) listBackups(ctx context.Context, _ *call) (adminapi.StoredBackups, error) {
	if s.o.Backups == nil {
		return adminapi.StoredBackups{}, &problemError{unsupported, noRepository}
	}
	all, err := s.o.Backups.List(ctx)
	if err != nil && account.Ended(ctx) == nil {
		err = repositoryFault(err)
	}
	return adminapi.StoredBackups{Repository: s.o.Backups.Place(), Backups: all}, err
}

// noBackup says how to back up a store that cannot copy itself.
func (s *Server) noBackup() string { return NoBackup(s.o.Store) }

// NoBackup says how to back up a store of a kind that cannot copy itself.
func NoBackup(store string) string {
	if store == "postgres" {
		return "the accounts are in a database: back it up with pg_dump or its other tools, as docs/scaling.md describes"
	}
	return "this store cannot copy itself; use pebble:DIR"
}

// BackupAction is the action of a backup in the audit trail.
const BackupAction = "backup.create"

// recordBackup records a complete copy in the audit trail. If the entry cannot be
// written, for example because the disk is full, the backup still succeeds and only the
// log records it.
func (s *Server) recordBackup(ctx context.Context, c *call, dir string) {
	c.event.Add(slog.String("backup", dir))
	if err := s.dir.Record(ctx, c.actor(), BackupAction, 0, dir); err != nil {
		c.event.Fail(fmt.Errorf("the backup was made, but not entered in the audit trail: %w", err))
	}
}

const (
	maxFileName = 255                               // bytes of a name in a path, on common file systems
	maxDirName  = maxFileName - partialSuffixLength // of the directory of a backup
	maxPath     = 3072                              // bytes; leaves room for the files below it within 4096
)

// checkPath checks the form of the path of a backup.
func checkPath(dir string) error {
	if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir {
		return bad("dir must be an absolute path, without . and .. and without a slash at its end")
	}
	return checkNames(dir)
}

// checkDir checks the path of a directory that is to be created.
func checkDir(dir string) error {
	if err := checkPath(dir); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Dir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskFault(dir, err)
	}
	if err != nil || !info.IsDir() {
		return bad(fmt.Sprintf("the directory %s does not exist; create it first", account.Quote(filepath.Dir(dir))))
	}
	if _, err := os.Lstat(dir); err == nil {
		return &problemError{exists, "something is at " + account.Quote(dir) + " already; name a directory that does not exist"}
	}
	return nil // the creation reports any other error
}

// checkNames refuses names that no file system accepts.
func checkNames(dir string) error {
	if strings.ContainsRune(dir, 0) {
		return bad("dir has a character NUL, which no path may have; remove it")
	}
	if len(dir) > maxPath {
		return bad(fmt.Sprintf("dir has %d bytes; it may have %d", len(dir), maxPath))
	}
	for name := range strings.SplitSeq(filepath.Dir(dir), "/") {
		if len(name) > maxFileName {
			return bad(fmt.Sprintf("a name in dir has %d bytes; it may have %d", len(name), maxFileName))
		}
	}
	if n := len(filepath.Base(dir)); n > maxDirName {
		return bad(fmt.Sprintf("the last name in dir has %d bytes; it may have %d", n, maxDirName))
	}
	return nil
}

// counts returns the numbers of apps and accounts.
func (s *Server) counts(ctx context.Context) (b adminapi.Backup, err error) {
	as, err := s.dir.Apps(ctx)
	if err != nil {
		return b, err
	}
	b.Apps = int64(len(as))
	for _, a := range as {
		n, err := s.dir.Count(ctx, a.ID)
		switch account.CodeOf(err) {
		case account.OK:
			b.Accounts += n
		case account.NoApp: // deleted meanwhile
			b.Apps--
		default:
			return b, err
		}
	}
	return b, nil
}

// size returns the number of bytes of the files below dir.
func size(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n += info.Size()
		return nil
	})
	return n, err
}

func (s *Server) reseal(ctx context.Context, c *call) (adminapi.Resealed, error) {
	n, able, err := s.dir.Reseal(ctx, c.actor())
	if err == nil && !able {
		err = &problemError{unsupported, "this server does not seal keys"}
	}
	return adminapi.Resealed{Resealed: n}, err
}
