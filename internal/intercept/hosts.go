package intercept

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rollcall/internal/region"
)

// Files of the system by which programs find the address of a host.
const (
	hostsFile    = "/etc/hosts"
	nsswitchFile = "/etc/nsswitch.conf"
)

// An Overlay is a file that a process tree sees in place of a file of the system.
type Overlay struct{ Target, File string }

// HostsPort is the port of the vendor's hosts.
const HostsPort = "443"

// listenTries is the number of addresses that [ListenHosts] tries.
const listenTries = 20

// ListenHosts opens the port of the vendor's hosts on a random address of this machine
// that nothing else uses, such as 127.84.3.200.
func ListenHosts() (net.Listener, error) {
	for try := 1; ; try++ {
		var b [3]byte
		_, _ = rand.Read(b[:]) // never fails
		ip := net.IPv4(127, 1+b[0]%254, b[1], 1+b[2]%254)
		l, err := net.Listen("tcp4", net.JoinHostPort(ip.String(), HostsPort))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || try == listenTries {
			return l, err
		}
	}
}

// WriteHosts writes files to dir that lead the vendor's hosts and names to ip, and returns
// where a process tree must see them.
func WriteHosts(dir string, ip net.IP, names []string) ([]Overlay, error) {
	b, err := os.ReadFile(hostsFile)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{hostsFile: hostsWith(b, ip, unique(region.Hosts(), names))}
	if b, err := os.ReadFile(nsswitchFile); err == nil && !filesFirst(b) {
		files[nsswitchFile] = withFilesFirst(b)
	}
	var all []Overlay
	for target, content := range files {
		o := Overlay{Target: target, File: filepath.Join(dir, filepath.Base(target))}
		if err := os.WriteFile(o.File, content, 0o644); err != nil {
			return nil, err
		}
		if err := os.Chmod(o.File, 0o644); err != nil { // whatever the umask: every user reads these files
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// hostsWith returns a hosts file that has names before everything else, because the
// first line of a name counts.
func hostsWith(old []byte, ip net.IP, names []string) []byte {
	var b bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&b, "%s %s\n", ip, name)
	}
	b.Write(old)
	return b.Bytes()
}

// filesFirst reports whether a file nsswitch.conf lets programs read the hosts file
// before they ask anything else. Without a line for hosts they do.
func filesFirst(nsswitch []byte) bool {
	for line := range strings.Lines(string(nsswitch)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "hosts:" {
			return fields[1] == "files"
		}
	}
	return true
}

// withFilesFirst returns nsswitch with a line for hosts that begins with the hosts file.
func withFilesFirst(nsswitch []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(nsswitch)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "hosts:"); ok {
			line = "hosts: files " + strings.TrimSpace(rest) + "\n"
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}
