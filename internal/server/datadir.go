package server

import (
	"fmt"
	"os"
	"path/filepath"

	"rollcall/internal/durable"
	"rollcall/internal/private"
)

// MakeDataDir creates the data directory, closed to others and ignored by git. The
// directory and the parents that MakeDataDir creates are durable when it returns.
// MakeDataDir closes an existing directory, and refuses it if another user may have put
// anything into it. See [private.Dir].
func MakeDataDir(dir string) error {
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
