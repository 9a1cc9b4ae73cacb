package seal

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"rollcall/internal/account"
)

// prefix begins every sealed secret, whose form is
//
//	sealed:v1:VERSION:BASE64
//
// VERSION is the version of the sealing key. BASE64 is a random nonce, followed by the
// secret encrypted with AES-256-GCM. The additional data is the app and the key that
// the secret belongs to. A sealed secret therefore cannot be opened for another app or
// key.
const prefix = "sealed:v1:"

// Sealed reports whether k is a stored key whose secret is sealed.
func Sealed(k account.Key) bool { return Sealable(k) && strings.HasPrefix(k.Secret, prefix) }

// Sealable reports whether k contains a secret. A public key does not.
func Sealable(k account.Key) bool { return k.Kind == account.HMACKey }

func additional(app account.AppID, keyID string) []byte {
	return fmt.Appendf(nil, "%d/%s", app, keyID)
}

// Seal returns the sealed form of the secret of an app's key. Each call returns a
// different one, because the nonce is random.
func (r *Ring) Seal(app account.AppID, k account.Key) string {
	aead := r.keys[r.newest]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(k.Secret)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	sealed := aead.Seal(nonce, nonce, []byte(k.Secret), additional(app, k.ID))
	return prefix + strconv.Itoa(r.newest) + ":" + base64.StdEncoding.EncodeToString(sealed)
}

// Open returns the secret of an app's key k, whose Secret is in the stored form. Open
// returns a secret that is not sealed as it is; older versions stored such secrets.
// Codes: Internal.
func (r *Ring) Open(app account.AppID, k account.Key) (string, error) {
	rest, ok := strings.CutPrefix(k.Secret, prefix)
	if !ok {
		return k.Secret, nil
	}
	number, text, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(number)
	aead, known := r.keys[version]
	if err == nil && !known {
		return "", unopened(app, k, fmt.Sprintf("is sealed with version %d, which %s does not have; add that version", version, r.name))
	}
	sealed, textErr := base64.StdEncoding.DecodeString(text)
	if err != nil || textErr != nil || len(sealed) < aead.NonceSize() {
		return "", unopened(app, k, "is damaged in the store; add a new key")
	}
	nonce, sealed := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	secret, err := aead.Open(nil, nonce, sealed, additional(app, k.ID))
	if err != nil {
		return "", unopened(app, k, fmt.Sprintf("cannot be opened with version %d of %s; restore the file that sealed it, or copy that of another server of the database", version, r.name))
	}
	return string(secret), nil
}

func unopened(app account.AppID, k account.Key, what string) error {
	return &account.Error{Code: account.Internal, Detail: fmt.Sprintf("the secret of key %q of app %d %s", k.ID, app, what)}
}

// Current reports whether the secret of k is sealed with the newest key, or needs no
// sealing.
func (r *Ring) Current(k account.Key) bool {
	return !Sealable(k) || strings.HasPrefix(k.Secret, prefix+strconv.Itoa(r.newest)+":")
}
