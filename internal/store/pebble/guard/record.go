package guard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A record is the content of [ChecksumsFile]. The file has two slots of slotBytes, which
// are written in turn, so a crash during a write leaves the other slot intact. A slot is a
// line with the length and the checksum of the rest, followed by the record as JSON.
type record struct {
	Seq   uint64     `json:"seq"` // increases with each write; its lowest bit selects the slot
	Files []recorded `json:"files"`
}

// A recorded describes one file.
type recorded struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`  // that were durable
	CRC   uint32 `json:"crc32c"` // of those bytes
}

const (
	slotBytes  = 16 << 10
	slotHeader = "rollcall checksums 1 %06d %08x\n"
)

var errTooManyFiles = errors.New("there are more logs and manifests than can be recorded")

// slot returns the encoded slot of r and its offset in the file.
func (r record) slot() (b []byte, at int64, err error) {
	slices.SortFunc(r.Files, func(a, b recorded) int { return cmp.Compare(a.Name, b.Name) })
	body, err := json.Marshal(r)
	if err != nil {
		return nil, 0, err
	}
	b = fmt.Appendf(nil, slotHeader, len(body), crc32.Checksum(body, castagnoli))
	b = append(append(b, body...), '\n')
	if len(b) > slotBytes {
		return nil, 0, errTooManyFiles
	}
	return b, int64(r.Seq%2) * slotBytes, nil
}

// writeTo writes r to its slot and makes it durable.
func (r record) writeTo(f vfs.File) error {
	b, at, err := r.slot()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	return f.SyncData()
}

// createRecord creates the file at path with r in both slots. After a crash the file is
// complete or absent.
func createRecord(fs vfs.FS, path string, r record) error {
	b, _, err := r.slot()
	if err != nil {
		return err
	}
	image := make([]byte, 2*slotBytes)
	copy(image, b)
	copy(image[slotBytes:], b)
	temporary := path + ".dbtmp"
	f, err := fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(image)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, fs.Remove(temporary))
	}
	if err := fs.Rename(temporary, path); err != nil {
		return err
	}
	return SyncDir(fs, fs.PathDir(path))
}

// SyncDir makes the entries of the directory dir durable.
func SyncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readRecord returns the newer record of the two slots, and false if neither is valid.
func readRecord(f io.Reader) (r record, ok bool, err error) {
	image, err := io.ReadAll(io.LimitReader(f, 2*slotBytes))
	if err != nil {
		return record{}, false, err
	}
	for at := 0; at < len(image); at += slotBytes {
		one, good := parseSlot(image[at:min(len(image), at+slotBytes)])
		if good && (!ok || one.Seq > r.Seq) {
			r, ok = one, true
		}
	}
	return r, ok, nil
}

func parseSlot(b []byte) (r record, ok bool) {
	var size int
	var crc uint32
	header, body, found := bytes.Cut(b, []byte("\n"))
	if !found {
		return record{}, false
	}
	if _, err := fmt.Sscanf(string(header)+"\n", slotHeader, &size, &crc); err != nil {
		return record{}, false
	}
	if size < 0 || size > len(body) || crc32.Checksum(body[:size], castagnoli) != crc {
		return record{}, false
	}
	return r, json.Unmarshal(body[:size], &r) == nil
}
