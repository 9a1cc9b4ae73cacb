package intercept

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// AdoptOrphans lets this process become the parent of descendants whose own parent has
// ended, so that [FromTree] still finds them.
func AdoptOrphans() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return errno
	}
	return nil
}

// KnowsPeers reports whether [FromTree] works on this machine: /proc must show the
// connections of this process and its files.
func KnowsPeers() bool {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return false
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return false
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		return false
	}
	defer far.Close()
	return FromTree(far) == nil
}

// FromTree returns an error unless the other end of c, a connection from this machine, is
// open in this process or in a process that descends from it.
func FromTree(c net.Conn) error {
	inode, err := peerInode(c)
	if err != nil {
		return err
	}
	pids, err := tree(os.Getpid())
	if err != nil {
		return err
	}
	link := "socket:[" + inode + "]"
	if slices.ContainsFunc(pids, func(pid int) bool { return holds(pid, link) }) {
		return nil
	}
	return errors.New("a connection was refused, because it does not come from the program or its children, or from one with rights of its own (another user, file capabilities)")
}

// peerInode returns the number of the socket at the other end of c.
func peerInode(c net.Conn) (string, error) {
	far, err1 := netip.ParseAddrPort(c.RemoteAddr().String())
	near, err2 := netip.ParseAddrPort(c.LocalAddr().String())
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} { // a socket of IPv6 can have a peer of IPv4
		inode, err := findSocket(file, unmap(far), unmap(near))
		if err != nil && !errors.Is(err, os.ErrNotExist) || inode != "" {
			return inode, err
		}
	}
	return "", errors.New("a connection was refused, because its process is not known")
}

// findSocket returns the number of the socket with these ends in a file of /proc/net, or
// "".
func findSocket(file string, local, remote netip.AddrPort) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && parseEnd(fields[1]) == local && parseEnd(fields[2]) == remote {
			return fields[9], nil
		}
	}
	return "", lines.Err()
}

// parseEnd parses an address of /proc/net/tcp, such as "0100007F:1F90": words of four bytes
// in the order of the machine, then the port. It returns the zero value for anything else.
func parseEnd(text string) netip.AddrPort {
	host, port, _ := strings.Cut(text, ":")
	b, err1 := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err1 != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}
	}
	if littleEndian {
		for word := range slices.Chunk(b, 4) {
			slices.Reverse(word)
		}
	}
	addr, _ := netip.AddrFromSlice(b)
	return unmap(netip.AddrPortFrom(addr, uint16(n)))
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// A process is a line of /proc/PID/stat.
type process struct {
	pid, parent int
	state       string // Z for a process that has ended and that its parent has not waited for
}

// processes returns all processes that this one can see.
func processes() ([]process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1) // a glob would list the files of every process
	if err != nil {
		return nil, err
	}
	var all []process
	for _, name := range names {
		if name[0] < '0' || '9' < name[0] {
			continue
		}
		file := filepath.Join("/proc", name, "stat")
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		p, err := parseStat(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// tree returns root and all processes that descend from it.
func tree(root int) ([]int, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p.pid)
	}
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids, nil
}

// ReapOrphans lets the adopted processes that have ended disappear. Program is a child of
// this process that something else waits for. It is to be called after each SIGCHLD.
func ReapOrphans(program int) {
	all, err := processes()
	if err != nil {
		return // a later call finds them
	}
	for _, p := range all {
		if p.parent == os.Getpid() && p.state == "Z" && p.pid != program {
			_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// parseStat parses a file /proc/PID/stat. The name of the process is in parentheses and
// can contain anything.
func parseStat(b []byte) (p process, err error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return p, errors.New("malformed")
	}
	rest := strings.Fields(string(b[end+1:]))
	if len(rest) < 2 {
		return p, errors.New("malformed")
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(string(b[:open])))
	parent, err2 := strconv.Atoi(rest[1])
	return process{pid, parent, rest[0]}, errors.Join(err1, err2)
}

// holds reports whether a file of the process is link.
func holds(pid int, link string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // it has ended, or belongs to another user
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		return err == nil && target == link
	})
}
