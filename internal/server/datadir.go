package server

import (
	"fmt"
	"os"
	"path/filepath"

	"rollcall/internal/backup"
	"rollcall/internal/durable"
	"rollcall/internal/private"
	"rollcall/internal/store/open"
)

// MakeDataDir creates the data directory, closed to others and ignored by git. The
// directory and the parents that MakeDataDir creates are durable when it returns.
// MakeDataDir closes an existing directory, and refuses it if another user may have put
// anything into it. See [private.Dir]. It also refuses a directory that is itself a store,
// because a server would start with an empty store inside it.
func MakeDataDir(dir string) error {
	if open.IsStore(dir) {
		return fmt.Errorf(`--data: %s is a store itself: name the directory above it if it is called %q, or give --store pebble:%s`, dir, backup.Store, dir)
	}
	if err := durable.Mkdir(dir); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := private.Dir(dir); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(ignore); err == nil {
		return nil // an owner may have changed it
	}
	if err := durable.Write(ignore, []byte("*\n")); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}
