package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/intercept"
)

// TestInstall installs and removes a CA in a store of a test, whose program lists the
// files that it finds.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	update := filepath.Join(t.TempDir(), "update")
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(update, []byte("#!/bin/sh\nls "+dir+" | tr '\\n' ' ' >>"+log+"; echo . >>"+log+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	root := false
	store := systemStore{dir, update, func() bool { return root }}
	var out bytes.Buffer
	env := &environment{stdout: &out}
	if err := store.install(t.Context(), env, "/data/local-ca.pem", []byte("pem")); err == nil || !strings.Contains(err.Error(), "sudo rollcall ca install --data /data") {
		t.Errorf("without root: %v", err)
	}
	root = true
	for range 2 {
		if err := store.install(t.Context(), env, "/data/local-ca.pem", []byte("pem")); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, installed)); err != nil || string(b) != "pem" {
		t.Errorf("installed %q, %v", b, err)
	}
	root = false
	if err := store.uninstall(t.Context(), env); err == nil || !strings.Contains(err.Error(), "sudo") {
		t.Errorf("removal without root: %v", err)
	}
	root = true
	for range 2 {
		if err := store.uninstall(t.Context(), env); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(log)
	if want := installed + " .\n" + installed + " .\n.\n"; err != nil || string(got) != want {
		t.Errorf("the program found %q, %v, want %q", got, err, want)
	}
	if want := "no local CA is installed\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("output %q", out.String())
	}
	store.update = "no-such-program"
	if err := store.install(t.Context(), env, "/data/local-ca.pem", nil); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("on another system: %v", err)
	}
}

// TestReadCA checks that nothing but the certificate with limits is taken from a file.
func TestReadCA(t *testing.T) {
	dir := t.TempDir()
	a, err := intercept.NewAuthority(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(intercept.CAFile(dir), append(bytes.Clone(a.CA), a.Leaf...), 0o644); err != nil {
		t.Fatal(err)
	}
	c := localCA{Data: dir}
	if _, text, err := c.read(); err != nil || !bytes.Equal(text, a.CA) {
		t.Errorf("read %q, %v", text, err)
	}
}
