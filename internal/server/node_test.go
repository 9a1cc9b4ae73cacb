package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
)

// TestDataInUse starts a second server of a database on the data directory of another one.
func TestDataInUse(t *testing.T) {
	o := Options{Config: config.Config{Data: t.TempDir()}}
	first, second := &Server{shared: true, o: o}, &Server{shared: true, o: o}
	if err := first.readNode(); err != nil {
		t.Fatal(err)
	}
	if err := second.readNode(); err == nil || !strings.Contains(err.Error(), "another server uses the data directory "+o.Data) {
		t.Errorf("the second server: %v", err)
	}
	if err := errors.Join(second.close(), first.close()); err != nil {
		t.Fatal(err)
	}
	if err := second.readNode(); err != nil || second.node == "" {
		t.Errorf("after the end of the first one: %v", err)
	}
	if err := second.close(); err != nil {
		t.Error(err)
	}
}

// TestNode reads the name of a node, which stays the same as long as the data directory does.
func TestNode(t *testing.T) {
	dir := t.TempDir()
	read := func(shared bool) (string, error) {
		s := &Server{shared: shared, o: Options{Config: config.Config{Data: dir}}}
		err := s.readNode()
		if e := s.close(); e != nil {
			t.Error(e)
		}
		return s.node, err
	}
	if name, err := read(false); err != nil || name != "" {
		t.Errorf("a store for one server: %q, %v", name, err)
	}
	first, err := read(true)
	if err != nil || !validNode(first) {
		t.Fatalf("%q, %v", first, err)
	}
	if second, err := read(true); err != nil || second != first {
		t.Errorf("%q, %v; want %q again", second, err, first)
	}
	file := filepath.Join(dir, nodeFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, text := range []string{"", "a b", "a\nb\n", strings.Repeat("a", maxNode+1)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if name, err := read(true); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%q: %q, %v", text, name, err)
		}
	}
	if a, b := newNode(), newNode(); a == b {
		t.Errorf("%q twice", a)
	}
}
