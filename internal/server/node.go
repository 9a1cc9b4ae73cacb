package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rollcall/internal/durable"
)

// nodeFile is the name of the file in the data directory with the name of the node. The name
// belongs to the uploads beside it, so it moves with them.
const nodeFile = "node"

// readNode reads the name of this server among those that share its store. It creates the
// file at the first start.
func (s *Server) readNode() error {
	if !s.shared || s.o.Data == "" {
		return nil
	}
	file := filepath.Join(s.o.Data, nodeFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		s.node = newNode()
		return durable.Write(file, []byte(s.node+"\n"))
	}
	if err != nil {
		return err
	}
	if s.node = strings.TrimSuffix(string(b), "\n"); !validNode(s.node) {
		return fmt.Errorf("the file %s does not contain the name of a node, of letters, digits, - and .; remove it to get a new one: jobs that wait for this node must then be created again", file)
	}
	return nil
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
