package server

import (
	"fmt"
	"os"
	"path/filepath"

	"rollcall/internal/durable"
	"rollcall/internal/private"
)

// MakeDataDir creates the data folder, closed to others and ignored by git. When it
// returns, the folder is on disk with every folder above it that it created:
// nothing that is stored in it later can be lost with its name. A folder that
// exists is closed, and refused if another user may have put anything into it; see
// [private.Folder].
func MakeDataDir(dir string) error {
	if err := durable.Mkdir(dir); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := private.Folder(dir); err != nil {
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
