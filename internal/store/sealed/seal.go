package sealed

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"rollcall/internal/account"
)

// prefix begins every sealed secret. The whole is
//
//	sealed:v1:VERSION:BASE64
//
// with the version of the sealing key, and a random nonce followed by what
// AES-256-GCM makes of the secret. The additional data is the app and the key
// that the secret belongs to, so that it opens nowhere else.
const prefix = "sealed:v1:"

// isSealed reports whether a stored secret is sealed.
func isSealed(stored string) bool { return strings.HasPrefix(stored, prefix) }

// sealable reports whether k holds a secret: a public key is none.
func sealable(k account.Key) bool { return k.Kind == account.HMACKey }

func additional(app account.AppID, keyID string) []byte {
	return fmt.Appendf(nil, "%d/%s", app, keyID)
}

// seal returns the stored form of the secret of an app's key.
func (r *Ring) seal(app account.AppID, k account.Key) string {
	aead := r.keys[r.newest]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(k.Secret)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	sealed := aead.Seal(nonce, nonce, []byte(k.Secret), additional(app, k.ID))
	return prefix + strconv.Itoa(r.newest) + ":" + base64.StdEncoding.EncodeToString(sealed)
}

// open returns the secret of an app's key, whose stored form k holds. What is
// not sealed, from before there was sealing, is returned as it is.
func (r *Ring) open(app account.AppID, k account.Key) (string, error) {
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
		return "", unopened(app, k, fmt.Sprintf("cannot be opened with version %d of %s; restore the file that sealed it", version, r.name))
	}
	return string(secret), nil
}

func unopened(app account.AppID, k account.Key, what string) error {
	return &account.Error{Code: account.Internal, Detail: fmt.Sprintf("the secret of key %q of app %d %s", k.ID, app, what)}
}

// current reports whether a stored secret is sealed with the newest key.
func (r *Ring) current(stored string) bool {
	return strings.HasPrefix(stored, prefix+strconv.Itoa(r.newest)+":")
}
