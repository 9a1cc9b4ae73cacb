package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"
)

// Names of the sockets that a supervisor may pass (FileDescriptorName= of systemd).
const (
	APISocket   = "rollcall-api"   // of the account API
	AdminSocket = "rollcall-admin" // of the admin API
)

// Sockets takes over the sockets that the supervisor has passed, by name. They stay open in
// the supervisor, so clients can connect while no server runs. Sockets works once, because
// it removes the variables that name the sockets. The error is one sentence for the operator,
// and no socket is open then.
func Sockets() (map[string]net.Listener, error) {
	sockets := map[string]net.Listener{}
	var first error
	for _, f := range activation.Files(true) {
		if first == nil {
			first = take(sockets, f)
		}
		_ = f.Close() // a listener has a copy
	}
	if first != nil {
		for l := range maps.Values(sockets) {
			_ = l.Close() // nothing has used it
		}
		return nil, first
	}
	return sockets, nil
}

// take adds the listener of a file to sockets.
func take(sockets map[string]net.Listener, f *os.File) error {
	name := f.Name()
	if !slices.Contains([]string{APISocket, AdminSocket}, name) {
		return fmt.Errorf("the supervisor passed a socket with the name %q: set FileDescriptorName=%s or %s", name, APISocket, AdminSocket)
	}
	if sockets[name] != nil {
		return fmt.Errorf("the supervisor passed two sockets with the name %s: give one ListenStream=, which can be [::]:PORT for every address", name)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("the supervisor passed as %s what is no listening socket: use ListenStream= with Accept=no", name)
	}
	if _, ok := l.Addr().(*net.TCPAddr); !ok {
		return errors.Join(fmt.Errorf("the supervisor passed as %s the socket %s, which is not of TCP: use ListenStream= with a port", name, l.Addr()), l.Close())
	}
	sockets[name] = l
	return nil
}
