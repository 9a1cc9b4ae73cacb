package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestImage unpacks the image and runs it as an engine would: as its user, with its
// variables, in its own tree of files.
func TestImage(t *testing.T) {
	if own.os != "linux" {
		t.Skip("a release for this platform has no image")
	}
	r := built(t)
	img := readImage(t, r.file(t, r.dir, ".oci.tar"))
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cfg := file.Config
	if len(cfg.Volumes) != 1 || cfg.User != "65532:65532" || file.OS != own.os || file.Architecture != own.arch {
		t.Errorf("volumes %v, user %s, platform %s/%s", cfg.Volumes, cfg.User, file.OS, file.Architecture)
	}
	files := t.TempDir()
	if err := os.Mkdir(filepath.Join(files, "image"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := boot(t, files) // the layers are unpacked by root
	unpack(t, img, m)

	engine := slices.Concat([]string{"env", "-i", "PATH=/usr/sbin:/usr/bin"}, cfg.Env, []string{"chroot", "--userspec=" + cfg.User, "/root/image"})
	in := func(args ...string) []string { return slices.Concat(engine, args) }
	program := append(slices.Clone(cfg.Entrypoint), cfg.Cmd...)
	if out, err := m.try(in(program...)...); exitStatus(err) != 2 || !strings.Contains(out, "ROLLCALL_CFG_INSECURE_LISTEN") {
		t.Errorf("the image serves without TLS unasked: %v: %s", err, out)
	}
	m.run("sh", "-c", "umask 0; ("+strings.Join(in(append(program, "--insecure-listen")...), " ")+") >/root/log 2>&1 & echo $! >/root/pid")
	m.run("sh", "-c", "for i in $(seq 600); do ! "+strings.Join(in(cfg.Healthcheck.Test[1:]...), " ")+" || exit 0; sleep 0.1; done; cat /root/log; exit 1")
	m.want("stat -c '%u %a' /root/image/var/lib/rollcall/accounts", "65532 700")
	m.want("stat -c '%u %a' /root/image/rollcall /root/image/tmp /root/image/var/lib", "0 755\n0 1777\n0 755")
	m.run("sh", "-c", "kill $(cat /root/pid) && while [ -e /proc/$(cat /root/pid) ]; do sleep 0.1; done")
	if out, err := m.try(in(cfg.Healthcheck.Test[1:]...)...); exitStatus(err) != 1 {
		t.Errorf("the health check of a server that has ended: %v: %s", err, out)
	}
}

// readImage reads an image from a tar, and checks every digest in it.
func readImage(t *testing.T, file string) v1.Image {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xf", file, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in the index, %v", len(manifest.Manifests), err)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	var docker []struct {
		Config string
		Layers []string
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || json.Unmarshal(text, &docker) != nil || len(docker) != 1 {
		t.Fatalf("manifest.json: %v: %s", err, text)
	}
	for _, blob := range append(docker[0].Layers, docker[0].Config) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(blob))); err != nil {
			t.Error(err)
		}
	}
	return img
}

// unpack unpacks the layers of an image into /root/image of a machine.
func unpack(t *testing.T, img v1.Image, m *machine) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		body, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		cmd := m.command(t.Context(), "tar", "-xpf", "-", "--numeric-owner", "-C", "/root/image")
		cmd.Stdin = body
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
	}
}

// exitStatus returns the exit status of a command, or 0 if it has none.
func exitStatus(err error) int {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	return 0
}

// TestTarball lists an archive and checks that its files belong to root and have one time.
func TestTarball(t *testing.T) {
	r := built(t)
	f, err := os.Open(r.file(t, r.dir, "_"+own.os+"_"+own.arch+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	top := "rollcall_0.3.0_" + own.os + "_" + own.arch + "/"
	modes := map[string]int64{}
	for a := tar.NewReader(z); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		modes[strings.TrimPrefix(h.Name, top)] = h.Mode
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(r.src.date) || !strings.HasPrefix(h.Name, top) {
			t.Errorf("%s belongs to %d:%d, time %s", h.Name, h.Uid, h.Gid, h.ModTime)
		}
	}
	for name, mode := range map[string]int64{"rollcall": 0o755, "LICENSE": 0o644, licensesFile: 0o644, "README.md": 0o644, "completions/rollcall.bash": 0o644, "man/rollcall-serve.1": 0o644} {
		if modes[name] != mode {
			t.Errorf("%s has mode %o, want %o", name, modes[name], mode)
		}
	}
}
