package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// killTree ends a process and all processes below it with SIGKILL, and waits for their
// end. The process is stopped first, so that it starts none and notices no end meanwhile.
func killTree(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	if err := awaitState(pid, 'T'); err != nil {
		return err
	}
	below, err := descendants(pid)
	if err != nil {
		return err
	}
	pids := append([]int{pid}, below...)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	for _, pid := range pids {
		if err := awaitState(pid, 'Z'); err != nil { // its parent may not look at it
			return err
		}
	}
	return nil
}

// awaitState waits until a process has a state, as /proc abbreviates it, or has ended.
func awaitState(pid int, state byte) error {
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if s, err := readStat(pid); err != nil || s.state == state || s.state == 'Z' {
			return nil //nolint:nilerr // an error means that the process has ended
		}
	}
	return fmt.Errorf("process %d does not reach state %c", pid, state)
}

// descendants returns the processes below a process.
func descendants(pid int) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	if len(dirs) == 0 {
		return nil, errors.New("this system has no /proc")
	}
	children := map[int][]int{}
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStat(child); err == nil { // otherwise it has ended
			children[s.parent] = append(children[s.parent], child)
		}
	}
	found := children[pid]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found, nil
}

// A stat is a part of what /proc says of a process.
type stat struct {
	state  byte
	parent int
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	var s stat
	// The name of the program, in parentheses, may contain anything.
	_, err = fmt.Sscanf(string(text[bytes.LastIndexByte(text, ')')+1:]), " %c %d", &s.state, &s.parent)
	return s, err
}
