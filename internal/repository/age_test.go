package repository

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// sealedFor lets a kit encrypt backups for identities.
func (k *kit) sealedFor(ids ...*age.X25519Identity) {
	k.t.Helper()
	var keys []string
	for _, id := range ids {
		keys = append(keys, id.Recipient().String())
	}
	var err error
	if k.o.Recipients, err = ParseRecipients(keys); err != nil {
		k.t.Fatal(err)
	}
}

// TestSealed makes encrypted backups. They share files, are verified and pruned without an
// identity, and restored with one of several.
func TestSealed(t *testing.T) {
	for name, place := range map[string]string{"directory": filepath.Join(t.TempDir(), "repository"), "bucket": newStorage(t).place("backups")} {
		t.Run(name, func(t *testing.T) {
			mine, other := newIdentity(t), newIdentity(t)
			k := kitAt(t, place)
			large := strings.Repeat("large", 3*chunk/5)
			k.write("clear.sst", "of a backup before", "1.sst", "secret one", "empty", "")
			k.create()
			k.sealedFor(mine, newIdentity(t))
			first := k.create()
			k.write("2.sst", large)
			second := k.create()
			if len(second.Objects) != 4 || second.NewBytes < int64(len(large)) || second.NewBytes > int64(len(large))+1000 {
				t.Errorf("the second backup has %d objects and %d new bytes", len(second.Objects), second.NewBytes)
			}
			if r := k.sound(); r.Backups != 3 || r.Objects != 7 {
				t.Errorf("Verify = %+v", r)
			}
			to := filepath.Join(t.TempDir(), "x")
			if _, err := k.Restore(t.Context(), first.ID, to, nil); !errors.Is(err, ErrSealed) {
				t.Errorf("Restore without an identity: %v", err)
			}
			b, err := k.Backup(t.Context(), second.ID)
			if err != nil || !b.Closed() || b.Contents.Accounts != 0 || len(b.Files) != 0 {
				t.Errorf("the closed backup is %+v, %v", b, err)
			}
			k.o.Identities = []age.Identity{other}
			if _, err := k.Restore(t.Context(), first.ID, to, nil); err == nil || !strings.Contains(err.Error(), "for other recipients") {
				t.Errorf("Restore with another identity: %v", err)
			}
			k.o.Identities = []age.Identity{other, mine}
			want := map[string]string{"clear.sst": "of a backup before", "1.sst": "secret one", "empty": "", "2.sst": large}
			if diff := cmp.Diff(want, k.restored(second.ID)); diff != "" {
				t.Errorf("the second backup (-want +got):\n%s", diff)
			}
			k.o.Identities = nil
			if p, err := k.Prune(t.Context(), Keep{Last: 1}, false); err != nil || p.Objects != 3 {
				t.Errorf("Prune = %+v, %v", p, err)
			}
			k.sound()
		})
	}
}

// TestSealedHides looks for the content and the names of files in an encrypted repository.
func TestSealedHides(t *testing.T) {
	k := newKit(t)
	k.sealedFor(newIdentity(t))
	k.write("table.sst", "secret one")
	k.create()
	for name, text := range tree(t, k.place) {
		for _, secret := range []string{"secret one", "table.sst", `"accounts":3`} {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %s", name, secret)
			}
		}
	}
}

// TestSealedDamage damages an encrypted object so that its size stays the same, also with
// a description that fits to the damage, as somebody could make it who has no identity.
func TestSealedDamage(t *testing.T) {
	id := newIdentity(t)
	k := newKit(t)
	k.sealedFor(id)
	k.o.Identities = []age.Identity{id}
	k.write("1.sst", strings.Repeat("one", chunk))
	b := k.create()
	file := filepath.Join(k.place, filepath.FromSlash(objectName(b.Objects[0].Name)))
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stored[len(stored)/2] ^= 1
	if err := os.WriteFile(file, stored, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := k.Verify(t.Context(), nil, nil); err != nil || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, "another content") {
		t.Errorf("Verify = %+v, %v", r, err)
	}
	restore := func() error {
		_, err := k.Restore(t.Context(), b.ID, filepath.Join(t.TempDir(), "x"), nil)
		return err
	}
	if err := restore(); err == nil || !strings.Contains(err.Error(), "damaged") && !strings.Contains(err.Error(), "decrypt") {
		t.Errorf("Restore: %v", err)
	}
	b.Objects[0].SHA256 = sumOf(stored)
	description, err := k.encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.backend.put(t.Context(), nameOf(b.ID), bytesContent(description)); err != nil {
		t.Fatal(err)
	}
	k.sound()
	if err := restore(); err == nil || !strings.Contains(err.Error(), "cannot be decrypted") {
		t.Errorf("Restore of a forged object: %v", err)
	}
}

func TestSealedSize(t *testing.T) {
	k := newKit(t)
	k.sealedFor(newIdentity(t), newIdentity(t))
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2*chunk + 1, rand.IntN(5 * chunk)} {
		sealed, err := k.o.Recipients.seal(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.o.Recipients.sealedSize(int64(n)); err != nil || got != int64(len(sealed)) {
			t.Errorf("%d bytes: %d, %v, want %d", n, got, err, len(sealed))
		}
	}
}

func TestRecipients(t *testing.T) {
	id := newIdentity(t)
	one, other := id.Recipient().String(), newIdentity(t).Recipient().String()
	a, errA := ParseRecipients([]string{one, other})
	b, errB := ParseRecipients([]string{other, " " + one})
	if err := errors.Join(errA, errB); err != nil || a.name != b.name {
		t.Errorf("%+v, %+v, %v", a, b, err)
	}
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{[]string{"x"}, "is no public key of age"},
		{[]string{""}, "is no public key of age"},
		{[]string{one + "\n" + other}, "is no public key of age"},
		{[]string{id.String()}, "is a secret key"},
		{make([]string, maxRecipients+1), "give 20 at most"},
	} {
		if _, err := ParseRecipients(tt.keys); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), id.String()) {
			t.Errorf("%q: %v, want %q", tt.keys, err, tt.want)
		}
	}
	file := filepath.Join(t.TempDir(), "identity")
	for text, ok := range map[string]bool{"": false, one: false, "# a comment\n" + id.String() + "\n": true} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if ids, err := ReadIdentities(file); ok != (err == nil) || ok && len(ids) != 1 {
			t.Errorf("%q: %v, %v", text, ids, err)
		}
	}
}

// TestSealedAgain removes a damaged object of an encrypted backup, as the documents say. The
// next backup stores it again, in other bytes. Then both backups are sound.
func TestSealedAgain(t *testing.T) {
	id := newIdentity(t)
	k := newKit(t)
	k.sealedFor(id)
	k.write("1.sst", "secret one")
	first := k.create()
	file := filepath.Join(k.place, filepath.FromSlash(objectName(first.Objects[0].Name)))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	second := k.create()
	k.sound()
	if r, err := k.Verify(t.Context(), []string{first.ID}, nil); err != nil || r.Err() != nil {
		t.Errorf("Verify of the first backup = %+v, %v", r, err)
	}
	k.o.Identities = []age.Identity{id}
	for _, b := range []string{first.ID, second.ID} {
		if diff := cmp.Diff(map[string]string{"1.sst": "secret one"}, k.restored(b)); diff != "" {
			t.Errorf("the backup %s (-want +got):\n%s", b, diff)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stored[len(stored)-1] ^= 1
	if err := os.WriteFile(file, stored, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := k.Verify(t.Context(), nil, nil); err != nil || len(r.Faults) != 2 {
		t.Errorf("Verify of new damage = %+v, %v, want a fault of each backup", r, err)
	}
}
