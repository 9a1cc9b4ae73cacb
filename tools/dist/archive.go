package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sumsFile names the checksums of a release, in the form of sha256sum.
const sumsFile = "SHA256SUMS"

// An entry is a file of an archive. A name that ends with a slash is that of a directory.
type entry struct {
	name string // with slashes
	body []byte
	mode int64
}

// tarOf returns a tar of entries and of the directories above them, sorted by name. They have
// one time, and belong to root or to the user and the group that owners has for their names.
func tarOf(entries []entry, owners map[string]int, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range withParents(entries) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Uid: owners[e.name], Gid: owners[e.name], ModTime: at, Format: tar.FormatUSTAR}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.body); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// withParents returns entries with the directories above them that are missing, sorted.
func withParents(entries []entry) []entry {
	all := map[string]entry{}
	for _, e := range entries {
		all[e.name] = e
		for dir := path.Dir(strings.TrimSuffix(e.name, "/")); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir+"/"]; !ok {
				all[dir+"/"] = entry{name: dir + "/", mode: 0o755}
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b entry) int { return strings.Compare(a.name, b.name) })
}

// compressed returns body in the form of gzip, without a name and a time.
func compressed(body []byte, level int) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// programLevel is the level of compression for programs. The best one takes three times as
// long, and saves 0.4 %.
const programLevel = 6

// writeTarGz writes entries as a compressed tar.
func writeTarGz(file string, entries []entry, at time.Time) error {
	body, err := tarOf(entries, nil, at)
	if err != nil {
		return err
	}
	if body, err = compressed(body, programLevel); err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o644)
}

// writeTarball writes the archive of a platform: the binary with its documents, in one
// directory.
func writeTarball(src *source, b binary, docs *documents, dir string) error {
	name := fmt.Sprintf("rollcall_%s_%s_%s", src.number(), b.os, b.arch)
	entries := []entry{{path.Join(name, "rollcall"), b.body, 0o755}}
	for _, f := range docs.archive() {
		entries = append(entries, entry{path.Join(name, f.name), f.body, f.mode})
	}
	return writeTarGz(filepath.Join(dir, name+".tar.gz"), entries, src.date)
}

// writeSums writes the checksums of all files in dir.
func writeSums(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(body), f.Name())
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), []byte(b.String()), 0o644)
}
