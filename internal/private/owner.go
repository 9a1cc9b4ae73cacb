package private

import (
	"io/fs"
	"syscall"
)

// hasModes says that the mode of a file tells who may read it.
const hasModes = true

// owner returns the user that a file belongs to.
func owner(info fs.FileInfo) (uid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}
