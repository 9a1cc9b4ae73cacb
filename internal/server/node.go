package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"rollcall/internal/durable"
)

// nodeFile is the name of the file in the data directory with the name of the node. The name
// belongs to the uploads beside it, so it moves with them.
const nodeFile = "node"

// readNode reads the name of this server among those that share its store, and locks the file
// until the server ends. It creates the file at the first start.
func (s *Server) readNode() error {
	if !s.shared || s.o.Data == "" {
		return nil
	}
	file := filepath.Join(s.o.Data, nodeFile)
	if err := durable.Create(file, []byte(newNode()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.lockNode(file); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if s.node = strings.TrimSuffix(string(b), "\n"); !validNode(s.node) {
		return fmt.Errorf("the file %s does not contain the name of a node, of letters, digits, - and .; remove it to get a new one: jobs that wait for this node must then be created again", file)
	}
	return nil
}

// lockNode refuses a data directory that another server uses. Both would have the same name
// and work on the same uploads. The lock ends with the process.
func (s *Server) lockNode(file string) error {
	s.lock = flock.New(file)
	free, err := s.lock.TryLock()
	if err == nil && !free {
		err = fmt.Errorf("another server uses the data directory %s; stop it, or give each server of the database a --data of its own", s.o.Data)
	}
	return err
}

// maxNode is the largest length of the name of a node, in bytes.
const maxNode = 128

// newNode returns a name for a node: that of its machine, with an ending that no other has.
func newNode() string {
	name, err := os.Hostname()
	ending := strings.ToLower(rand.Text()[:8])
	if name += "-" + ending; err != nil || !validNode(name) {
		return ending
	}
	return name
}

func validNode(name string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	}
	return name != "" && len(name) <= maxNode && !strings.ContainsFunc(name, other)
}
