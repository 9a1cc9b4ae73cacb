package repository

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
)

// Recipients encrypt backups for the owners of some age identities.
type Recipients struct {
	list []age.Recipient
	name string // the first letters of a checksum of all recipients
}

// maxRecipients is the largest number of recipients.
const maxRecipients = 20

// ParseRecipients parses public keys of age, such as "age1…".
func ParseRecipients(keys []string) (*Recipients, error) {
	if len(keys) > maxRecipients {
		return nil, fmt.Errorf("there are %d recipients: give %d at most", len(keys), maxRecipients)
	}
	r := new(Recipients)
	sorted := slices.Clone(keys)
	for i, key := range keys {
		key = strings.TrimSpace(key)
		if strings.HasPrefix(strings.ToUpper(key), "AGE-SECRET-KEY-") {
			return nil, errors.New("a recipient is a secret key: give the public key, which begins with age1, and keep the secret one elsewhere")
		}
		parsed, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(parsed) != 1 {
			return nil, fmt.Errorf("the recipient %.80q is no public key of age: it begins with age1, and \"age-keygen\" prints it", key)
		}
		r.list, sorted[i] = append(r.list, parsed[0]), key
	}
	slices.Sort(sorted)
	r.name = sumOf([]byte(strings.Join(sorted, "\n")))[:16]
	return r, nil
}

// ReadIdentities reads the secret keys of age in a file.
func ReadIdentities(file string) ([]age.Identity, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ids, err := age.ParseIdentities(io.LimitReader(f, 1<<20))
	if err != nil || len(ids) == 0 {
		return nil, fmt.Errorf("%s has no identity of age: a line of it begins with AGE-SECRET-KEY-1, and \"age-keygen -o FILE\" writes it", file)
	}
	return ids, nil
}

// chunk is the size of the parts that age encrypts, each with a tag.
const (
	chunk    = 64 << 10
	tagBytes = 16
	nonce    = 16
)

// sealedSize returns the size of a file of n bytes after its encryption.
func (r *Recipients) sealedSize(n int64) (int64, error) {
	empty, err := age.EncryptReader(strings.NewReader(""), r.list...)
	if err != nil {
		return 0, err
	}
	head, err := io.Copy(io.Discard, empty) // with the nonce and one empty chunk
	chunks := max(1, (n+chunk-1)/chunk)
	return head - tagBytes + n + chunks*tagBytes, err
}

// seal encrypts b.
func (r *Recipients) seal(b []byte) ([]byte, error) {
	in, err := age.EncryptReader(bytes.NewReader(b), r.list...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

// ErrSealed is the error of a backup that is encrypted and for which no identity was given.
var ErrSealed = errors.New("it is encrypted: give the file of an identity of age that can decrypt it")

// unseal decrypts the inside of a description, if it is encrypted and r has an identity.
func (r *Repository) unseal(b *Backup) error {
	if b.Recipients == "" || len(r.o.Identities) == 0 {
		return nil
	}
	in, err := age.Decrypt(bytes.NewReader(b.Sealed), r.o.Identities...)
	if err != nil {
		return noIdentity(err)
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDescription))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err := json.Unmarshal(raw, &b.Inside); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err := b.checkFiles(); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	b.Sealed = nil
	return nil
}

func noIdentity(err error) error {
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return errors.New("is encrypted for other recipients: give the identity of one of them")
	}
	return fmt.Errorf("cannot be decrypted: %w", err)
}

// decryptObject writes the content of a file, whose object is encrypted, to w, and compares
// it with the description. An object that a later backup has stored again has other bytes
// than the description says, and the same content.
func (r *Repository) decryptObject(ctx context.Context, o Object, f File, w io.Writer, read func(int)) error {
	stored, sealed := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		err := r.copyObject(ctx, o, sealed, read)
		if _, ok := errors.AsType[*otherContentError](err); ok {
			err = nil // decrypt compares the content
		}
		copied <- err
		_ = sealed.CloseWithError(err) // it returns no error
	}()
	err := r.decrypt(stored, f, w)
	_ = stored.CloseWithError(err) // ends copyObject
	fault := <-copied
	if err != nil && errors.Is(fault, err) { // err has ended copyObject
		return err
	}
	return cmp.Or(fault, err)
}

// decrypt writes the content of f, which in has encrypted, to w.
func (r *Repository) decrypt(in io.Reader, f File, w io.Writer) error {
	plain, err := age.Decrypt(in, r.o.Identities...)
	if err != nil {
		return noIdentity(err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, w), io.LimitReader(plain, f.Bytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("cannot be decrypted: %w", err)
	case n != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.SHA256:
		return errors.New("has another content inside than was stored: it is damaged")
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
