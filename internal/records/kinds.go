package records

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"rollcall/internal/account"
)

// Kinds of records. A number, its keys and its encoding stand in stored data: they stay
// for ever. A new kind takes the next number.
const (
	// An app: the JSON of account.StoredApp. Its HMAC secrets are sealed, see package
	// seal. The key is appKey.
	kindApp account.Kind = 1

	// A token of the admin API: the JSON of account.Token. The key is its hash in
	// hexadecimal.
	kindToken account.Kind = 2

	// The id of a token, which is the key. The value is the key of the token, so that no
	// two tokens have one id.
	kindTokenID account.Kind = 3

	// An entry of the audit trail: the JSON of account.AuditEntry, appended to the
	// prefix "". The number in the key is its Seq.
	kindAudit account.Kind = 4

	// The same entry once more if it names an app, appended to appPrefix: a page of the
	// trail of one app is read in one piece.
	kindAuditOfApp account.Kind = 5

	// An event that has yet to be delivered: the JSON of account.Event, appended to
	// appPrefix.
	kindOutbox account.Kind = 6
)

// appKeyDigits is the length of the key of an app. All have the same, so that keys sort
// as ids do.
const appKeyDigits = 10

func appKey(id account.AppID) string { return fmt.Sprintf("%0*d", appKeyDigits, id) }

// appPrefix begins the keys of what is kept for an app.
func appPrefix(id account.AppID) string { return appKey(id) + "/" }

func parseAppKey(key string) (account.AppID, error) {
	id, err := strconv.ParseUint(key, 10, 32)
	if err != nil || appKey(account.AppID(id)) != key {
		return 0, damaged(kindApp, key, err)
	}
	return account.AppID(id), nil
}

func tokenKey(hash account.TokenHash) string { return hex.EncodeToString(hash[:]) }

func parseTokenKey(key string) (hash account.TokenHash, err error) {
	if err := hash.UnmarshalText([]byte(key)); err != nil {
		return hash, damaged(kindToken, key, err)
	}
	return hash, nil
}

// numberDigits is how many digits of an appended key are the number of its commit.
const numberDigits = 16

// appendedNumber returns the number in a key of [account.AppendedKey].
func appendedNumber(kind account.Kind, key string) (uint64, error) {
	if len(key) < numberDigits {
		return 0, damaged(kind, key, nil)
	}
	n, err := strconv.ParseUint(key[len(key)-numberDigits:], 16, 64)
	if err != nil {
		return 0, damaged(kind, key, err)
	}
	return n, nil
}

// encode returns the JSON of v, which always has one.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// decode reads the JSON of a T.
func decode[T any](value []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(value, v); err != nil {
		return nil, err
	}
	return v, nil
}

// damaged returns the error for a record that cannot be read.
func damaged(kind account.Kind, key string, cause error) error {
	return &account.Error{
		Code:   account.Internal,
		Detail: fmt.Sprintf("the record %s of kind %d cannot be read; restore a backup", account.Quote(key), kind),
		Err:    cause,
	}
}

// Count fills in how many apps, tokens and entries of the audit trail c.Records tells of.
func Count(c *account.Contents) {
	c.Apps, c.Tokens, c.Audit = c.Records[kindApp], c.Records[kindToken], c.Records[kindAudit]
}
