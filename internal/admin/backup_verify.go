package admin

import (
	"context"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// verifyBackup checks a backup on the disk of the server, one at a time. A backup that is
// damaged, or that does not exist, is a result, not a failure of the call.
func (s *Server) verifyBackup(ctx context.Context, _ *call, req adminapi.BackupToVerify) (adminapi.VerifiedBackup, error) {
	if err := checkPath(req.Dir); err != nil {
		return adminapi.VerifiedBackup{}, err
	}
	if s.o.VerifyBackup == nil {
		return adminapi.VerifiedBackup{}, &problemError{unsupported, "this server cannot check backups; use \"rollcall backup verify\""}
	}
	start := time.Now()
	found, fault, err := s.verified(ctx, req.Dir)
	if err != nil {
		return adminapi.VerifiedBackup{}, err
	}
	result := adminapi.VerifiedBackup{Dir: req.Dir, TookMS: time.Since(start).Milliseconds()}
	if fault != nil {
		result.Fault = fault.Error()
		return result, nil
	}
	result.Sound, result.Digest = true, found.Digest
	result.Accounts, result.Tombstones, result.Apps = found.Accounts, found.Tombstones, found.Apps
	result.Tokens, result.AuditEntries = found.Tokens, found.Audit
	return result, nil
}

// verified checks the backup in dir. fault says what is wrong with it. verified returns when
// ctx ends, even if the disk hangs; the check then still counts as under way.
func (s *Server) verified(ctx context.Context, dir string) (found *account.Contents, fault, err error) {
	if !s.verify.TryLock() {
		return nil, nil, &problemError{conflict, "a backup is being checked; wait for its end"}
	}
	type outcome struct {
		found *account.Contents
		fault error
	}
	done := make(chan outcome, 1)
	go func() {
		found, fault := s.o.VerifyBackup(ctx, dir)
		s.verify.Unlock() // first, so that the next call of this client is not refused
		done <- outcome{found, fault}
	}()
	select {
	case o := <-done:
		if ended := account.Ended(ctx); ended != nil && o.fault != nil {
			return nil, nil, ended
		}
		return o.found, o.fault, nil
	case <-ctx.Done():
		return nil, nil, account.Ended(ctx)
	}
}
