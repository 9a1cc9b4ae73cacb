// Package measure reads facts about processes, the disk and the machine from
// Linux.
package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tick is the unit of time in /proc/PID/stat. The kernel reports 100 ticks per
// second on every machine that Go supports.
const tick = 10 * time.Millisecond

// A Stat contains some fields of /proc/PID/stat.
type Stat struct {
	PID, Parent int
	Own         time.Duration // CPU time of the process, user and system
	Children    time.Duration // CPU time of its children that have ended
}

// Fields of /proc/PID/stat after the second one, which is the name in parentheses
// and may contain anything.
const (
	fieldParent = 1
	fieldUser   = 11
	fieldSystem = 12
	fieldChUser = 13
	fieldChSys  = 14
)

// ParseStat parses the content of /proc/PID/stat.
func ParseStat(b []byte) (s Stat, err error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return s, errors.New("no name in parentheses")
	}
	fields := bytes.Fields(b[end+1:])
	if len(fields) <= fieldChSys {
		return s, fmt.Errorf("%d fields after the name, want more than %d", len(fields), fieldChSys)
	}
	number := func(b []byte) (n int) {
		n, e := strconv.Atoi(string(bytes.TrimSpace(b)))
		err = errors.Join(err, e)
		return n
	}
	s.PID, s.Parent = number(b[:open]), number(fields[fieldParent])
	s.Own = tick * time.Duration(number(fields[fieldUser])+number(fields[fieldSystem]))
	s.Children = tick * time.Duration(number(fields[fieldChUser])+number(fields[fieldChSys]))
	return s, err
}

// CPU returns the CPU time of the processes roots and of all their descendants.
func CPU(roots ...int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	stats := map[int]Stat{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		if s, err := ParseStat(b); err == nil {
			stats[s.PID] = s
		}
	}
	return sumTrees(stats, roots)
}

// sumTrees returns the sum of the CPU time of the trees of roots.
func sumTrees(stats map[int]Stat, roots []int) (total time.Duration, err error) {
	in := map[int]bool{}
	for _, pid := range roots {
		if _, ok := stats[pid]; !ok {
			return 0, fmt.Errorf("process %d has ended", pid)
		}
		in[pid] = true
	}
	for _, s := range stats {
		if descends(stats, in, s) {
			total += s.Own + s.Children
		}
	}
	return total, nil
}

// descends reports whether s or one of its ancestors is in set.
func descends(stats map[int]Stat, set map[int]bool, s Stat) bool {
	for !set[s.PID] {
		parent, ok := stats[s.Parent]
		if !ok {
			return false
		}
		s = parent
	}
	return true
}

// RSS returns the resident memory of a process, in bytes.
func RSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseRSS(b)
}

// parseRSS returns the resident memory in the content of /proc/PID/status.
func parseRSS(b []byte) (int64, error) {
	_, after, ok := bytes.Cut(b, []byte("\nVmRSS:"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	text, unit := bytes.CutSuffix(bytes.TrimSpace(line), []byte(" kB"))
	kb, err := strconv.ParseInt(string(text), 10, 64)
	if !ok || !unit || err != nil {
		return 0, errors.New("no VmRSS in kB")
	}
	return kb << 10, nil
}
