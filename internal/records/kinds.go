package records

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"rollcall/internal/account"
)

// Kinds of records. The number of a kind, its keys and its encoding are part of stored
// data and must never change. A new kind gets the next number.
const (
	// An app, as the JSON of account.StoredApp. Its HMAC secrets are sealed; see package
	// seal. The key is appKey.
	kindApp account.Kind = 1

	// A token of the admin API, as the JSON of account.Token. The key is its hash in
	// hexadecimal.
	kindToken account.Kind = 2

	// The id of a token, as the key. The value is the key of the token. This record keeps
	// two tokens from having the same id.
	kindTokenID account.Kind = 3

	// An entry of the audit trail, as the JSON of account.AuditEntry, appended to the
	// prefix "". The number in the key is its Seq.
	kindAudit account.Kind = 4

	// A copy of the entry if it names an app, appended to appPrefix. The entries of one app
	// are thus adjacent, and a page of them is one read.
	kindAuditOfApp account.Kind = 5

	// An event that has not been delivered yet, as the JSON of outboxRecord, appended to
	// appPrefix.
	kindOutbox account.Kind = 6

	// A bulk import, as the JSON of Import. The key is appPrefix and the key of the import.
	kindImport account.Kind = 7

	// How far a bulk import is, as the JSON of ImportProgress. The key is appPrefix and the
	// ID of the import.
	kindImportProgress account.Kind = 8

	// Rejections of a bulk import, as the JSON of rejectionList. The key is rejectedPrefix
	// and the row of the last of them in hexadecimal.
	kindImportRejected account.Kind = 9

	// How far a copy of another store into this one is; see Copy and CopyPart. There are
	// such records only until the copy is complete.
	kindCopy account.Kind = 10

	// The fingerprint of a sealing key; see [OpenShared]. The key is the version of the
	// sealing key.
	kindSealKey account.Kind = 11

	// A session of the bearer of a token, as the JSON of Session. The key is SessionKey of
	// its secret. It is never written again.
	kindSession account.Kind = 12

	// Figures of an app, as the JSON of figureSlots; see FigureSlot. The forms of keys, all
	// after appPrefix:
	//   - "h/", a day in UTC as 20260102, "/" and a node: the slots of the hours of the day
	//   - "m/" and a node: the slots of the newest minutes
	//   - "d/", a day by the zone of the app, "/" and a node: the slot of the day
	//   - "u/", such a day, "/", a node, "/" and a number: a part of the set of accounts that
	//     logged in; see userSet. The value is that of a bitmap, not JSON.
	//   - "o", with app 0 only: when the accounts that are online were counted, as the JSON
	//     of onlineCounted
	kindFigures account.Kind = 13

	// The login sessions of an account, as the JSON of storedPresence. The key is appPrefix
	// and the UserID.
	kindPresence account.Kind = 14

	// An account whose login sessions change by themselves at a time. The key is that of
	// dueKey, and the value is empty.
	kindDue account.Kind = 15

	// A process that has links of devices, as the JSON of Node. The key is its ID.
	kindNode account.Kind = 16

	// Links that have ended on a node without its doing, as the JSON of a list of LinkEnd,
	// appended to nodePrefix.
	kindNodeMail account.Kind = 17

	// The mute of an account, as the JSON of Mute. The key is appPrefix and the UserID.
	kindMute account.Kind = 19

	// A robot, as the JSON of Robot. The key is appPrefix and the UserID. The record with
	// the key appPrefix alone is written again by each creation of a robot of the app. It
	// keeps two creations at the same moment from exceeding account.MaxRobots.
	kindRobot account.Kind = 20
	// The webhook of an app, as the JSON of Webhook. Its token and its secret are sealed as
	// the secrets of apps are. The key is appKey.
	kindWebhook account.Kind = 21

	// There are two forms of keys:
	//   - appKey: how the webhook of the app is, as the JSON of WebhookState. It goes with the
	//     webhook.
	//   - webhookLeaseKey: which server delivers, as the JSON of WebhookLease
	kindWebhookState account.Kind = 22

	// An event that could not be delivered, as the JSON of DeadLetter. The key is that of the
	// event in the outbox, a slash and the index of its item in hexadecimal.
	kindDeadLetter account.Kind = 23
)

// kindNames are the names of kinds for people, in the plural.
var kindNames = map[account.Kind]string{
	kindApp: "apps", kindToken: "tokens", kindTokenID: "ids of tokens", kindAudit: "audit entries",
	kindAuditOfApp: "audit entries of apps", kindOutbox: "events in the outbox", kindImport: "imports",
	kindImportProgress: "progresses of imports", kindImportRejected: "lists of rejected rows",
	kindSession: "sessions",
	kindFigures: "records of figures", kindPresence: "accounts with login sessions", kindDue: "times of login sessions", kindMute: "mutes", kindRobot: "records of robots",
	kindNode: "nodes with links", kindNodeMail: "messages to nodes",
	kindWebhook: "webhooks", kindWebhookState: "states of webhooks", kindDeadLetter: "dead letters",
}

// KindName returns the name of a kind for people, in the plural.
func KindName(kind account.Kind) string {
	if name, ok := kindNames[kind]; ok {
		return name
	}
	return fmt.Sprintf("records of kind %d", kind)
}

// appKeyDigits is the length of the key of an app. Keys sort in the order of ids because
// they have the same length.
const appKeyDigits = 10

func appKey(id account.AppID) string {
	digits := strconv.FormatUint(uint64(id), 10)
	return "0000000000"[:appKeyDigits-len(digits)] + digits
}

// appPrefix begins the keys of the records that belong to an app.
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

// numberDigits is the number of digits at the end of an appended key that are the number
// of its commit.
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

// encode returns the JSON of v. It panics if v has none, which is an error of the program.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// decode decodes the JSON of a T.
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

// Count sets the numbers of apps, tokens and audit entries of c from c.Records.
func Count(c *account.Contents) {
	c.Apps, c.Tokens, c.Audit = c.Records[kindApp], c.Records[kindToken], c.Records[kindAudit]
}
