// Package seal encrypts the HMAC secrets of apps. A sealed secret is useless without
// the file of sealing keys, which is kept apart from the store and its backups.
//
// The file, by default seal.keys in the data directory, is created on the first start.
// The nodes of a cluster share it. To change the key, add a line (see
// [ReadRing]), send SIGHUP to every node, and reseal. Older lines may go after that.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"strings"

	"rollcall/internal/durable"
	"rollcall/internal/private"
)

// keyBytes is the length of a sealing key: AES-256.
const keyBytes = 32

// A Ring contains the sealing keys of a store, by version. The newest key seals
// secrets. The others only open secrets that were sealed before.
type Ring struct {
	name   string // of the file, for people
	keys   map[int]cipher.AEAD
	prints map[int]string // fingerprints of the keys
	newest int
}

// NewRing returns a Ring with one new key. Secrets that it seals cannot be opened after
// the process has ended.
func NewRing() *Ring {
	r := newRing("the keys of this process")
	if err := r.add(1, newKey()); err != nil {
		panic(err) // the key has the right length
	}
	return r
}

func newRing(name string) *Ring {
	return &Ring{name: name, keys: map[int]cipher.AEAD{}, prints: map[int]string{}}
}

func newKey() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	return key
}

func (r *Ring) add(version int, key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	r.keys[version], r.newest = aead, version
	sum := sha256.Sum256(append([]byte("rollcall sealing key "), key...))
	r.prints[version] = hex.EncodeToString(sum[:printBytes])
	return nil
}

// printBytes is the length of a fingerprint before its encoding.
const printBytes = 16

// Name returns the name of the file of r, for people.
func (r *Ring) Name() string { return r.name }

// Fingerprints returns a fingerprint of each key by version. It tells keys apart and does
// not reveal them.
func (r *Ring) Fingerprints() map[int]string { return maps.Clone(r.prints) }

// ReadRing reads a file of sealing keys. Each line is a version and 32 bytes in base64.
// The version is a number from 1 that is greater than those before it. The key of the
// last line seals. Empty lines and lines that begin with # are skipped.
//
// A file that belongs to another user, or that others may read, is refused. Errors
// never contain a part of the file.
func ReadRing(file string) (*Ring, error) {
	f, err := private.OpenSecret(file)
	if err != nil {
		return nil, fmt.Errorf("the file of sealing keys: %w", err)
	}
	defer f.Close()
	r := newRing(file)
	var b bytes.Buffer
	if _, err := b.ReadFrom(f); err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(b.String()) {
		n++
		if err := r.parse(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("the file of sealing keys %s, line %d: %w", file, n, err)
		}
	}
	if len(r.keys) == 0 {
		return nil, fmt.Errorf("the file of sealing keys %s holds no key: restore it, or remove it if no app has a secret yet", file)
	}
	return r, nil
}

// parse adds the key in a line.
func (r *Ring) parse(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	number, text, _ := strings.Cut(line, " ")
	version, err := strconv.Atoi(number)
	key, keyErr := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	switch {
	case err != nil || version < 1:
		return errors.New("a line begins with its version, a number from 1")
	case version <= r.newest:
		return fmt.Errorf("version %d does not follow version %d; the newest key stands last", version, r.newest)
	case keyErr != nil || len(key) != keyBytes:
		return fmt.Errorf("version %d is not %d bytes in base64", version, keyBytes)
	}
	return r.add(version, key)
}

// CreateRing creates a file with one key, and the missing parents of its directory with
// mode 0700. The file and its name are durable when
// CreateRing returns. If another node has created the file meanwhile, CreateRing
// returns the keys of that file.
func CreateRing(file string) (*Ring, error) {
	text := fmt.Sprintf("# Keys that seal the secrets of apps. Keep a copy apart from backups of the store.\n1 %s\n",
		base64.StdEncoding.EncodeToString(newKey()))
	if err := durable.Mkdir(filepath.Dir(file)); err != nil {
		return nil, fmt.Errorf("the directory of the file of sealing keys: %w", err)
	}
	if err := durable.Create(file, []byte(text)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("the file of sealing keys: %w", err)
	}
	return ReadRing(file)
}
