//go:build !linux

package intercept

import (
	"errors"
	"net"
)

// AdoptOrphans does nothing on this system.
func AdoptOrphans() error { return nil }

// ReapOrphans does nothing on this system.
func ReapOrphans(int) {}

// KnowsPeers reports false: this system does not show whose a connection is.
func KnowsPeers() bool { return false }

// FromTree returns an error on this system.
func FromTree(net.Conn) error { return errors.New("the process of a connection is not known") }
