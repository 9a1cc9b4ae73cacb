package admin

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"rollcall/internal/account"
)

// diskFault returns err with a detail that names the system's reason and the remedy, if
// err is an error of the system for the copy at dir. It returns other errors unchanged.
func diskFault(dir string, err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err
	}
	code, remedy := account.Internal, "check the disk"
	switch errno {
	case syscall.EACCES, syscall.EPERM:
		code = account.Conflict
		remedy = fmt.Sprintf("let the user of the server write to %s, or choose another directory", filepath.Dir(dir))
	case syscall.EROFS:
		code, remedy = account.Conflict, "choose a directory on a file system that can be written"
	case syscall.EEXIST, syscall.ENOENT: // nothing can be created in some places, such as /proc
		code, remedy = account.Conflict, "choose another directory, one that does not exist yet"
	case syscall.ENOSPC, syscall.EDQUOT:
		code, remedy = account.Conflict, "free some space, or choose another disk"
	}
	return &account.Error{Code: code, Detail: fmt.Sprintf("the server cannot write the backup %s: %v; %s", dir, errno, remedy), Err: err}
}
