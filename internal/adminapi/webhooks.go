package adminapi

import "time"

// A Webhook is the URL to which the events of an app are sent, and how. Its token, its secret
// and the key of its client certificate are never shown again.
type Webhook struct {
	URL         string        `json:"url"`
	Events      []string      `json:"events"`                // commands that are sent
	Mode        string        `json:"mode"`                  // faithful: one attempt, as the vendor's; reliable: kept until it is delivered, for a day
	Token       bool          `json:"token"`                 // whether requests have the vendor's signature
	Secret      bool          `json:"secret"`                // whether requests of mode reliable have the signature of Standard Webhooks
	ClientCert  *Certificate  `json:"client_cert,omitempty"` // that is shown to the receiver
	ReceiverCA  []Certificate `json:"receiver_ca,omitempty"` // CAs of the receiver, instead of those of the machine
	ImportEvent bool          `json:"import_event"`
	IOSSpelling string        `json:"ios_spelling"` // OptPlatform of an iPhone
	ChangedAt   time.Time     `json:"changed_at"`
	State       string        `json:"state"`                // active; paused after failures, until the receiver answers a probe; or ended, after HTTP 410
	Reason      string        `json:"reason,omitempty"`     // of the newest failure of a webhook that is paused, or why it has ended
	Since       time.Time     `json:"since,omitzero"`       // time at which it was paused or ended
	Dropped     int64         `json:"dropped,omitzero"`     // dead letters that were dropped, because there were too many
	NewSecret   string        `json:"new_secret,omitempty"` // the secret that was made for it; shown this once
}

// A Certificate describes an X.509 certificate.
type Certificate struct {
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"not_after"` // time until which it is valid
	SHA256   string    `json:"sha256"`    // fingerprint, in hexadecimal digits
}

// States of a [Webhook].
const (
	WebhookActive = "active"
	WebhookPaused = "paused"
	WebhookEnded  = "ended"
)

// NewWebhook replaces the webhook of an app.
type NewWebhook struct {
	URL         string   `json:"url"`                    // http or https; a query is kept
	Events      []string `json:"events,omitempty"`       // commands to send, as State.StateChange; all if absent
	Mode        string   `json:"mode,omitempty"`         // faithful or reliable; faithful if absent
	Token       *string  `json:"token,omitzero"`         // of the vendor's signature, 1 to 128 characters; "" for none; the one before if absent
	Secret      *string  `json:"secret,omitzero"`        // of Standard Webhooks, whsec_ and base64; "" for a new one; if absent the one before, or a new one in mode reliable
	ClientCert  *string  `json:"client_cert,omitzero"`   // certificate in PEM for a receiver that requires one, with intermediate ones; "" for none; the one before if absent
	ClientKey   *string  `json:"client_key,omitzero"`    // private key of client_cert in PEM, without a passphrase; the one before if absent
	ReceiverCA  *string  `json:"receiver_ca,omitzero"`   // certificates in PEM of CAs of the receiver; "" for those of the machine; the ones before if absent
	ImportEvent bool     `json:"import_event,omitempty"` // send Profile.CallbackPortraitSet for imports that set a nick or a picture, too
	IOSSpelling string   `json:"ios_spelling,omitempty"` // OptPlatform of an iPhone: iOS or IOS; iOS if absent
}

// WebhookVerification is the result of a test of a webhook.
type WebhookVerification struct {
	OK     bool   `json:"ok"`
	Status int    `json:"status,omitzero"`  // of HTTP; absent without a response
	TookMS int64  `json:"took_ms"`          // until the response, or the failure
	Reason string `json:"reason,omitempty"` // why it failed
	Answer string `json:"answer,omitempty"` // beginning of the response
}

// A WebhookAttempt is an attempt to deliver an event.
type WebhookAttempt struct {
	ID      string    `json:"id,omitempty"` // of the event; absent in mode faithful
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	Attempt int       `json:"attempt"`          // number of the attempt, as far as this server knows
	Status  int       `json:"status,omitzero"`  // of HTTP; absent without a response
	TookMS  int64     `json:"took_ms"`          //
	Reason  string    `json:"reason,omitempty"` // why it failed; absent after a success
}

// A DeadLetter is an event that was not delivered in time.
type DeadLetter struct {
	ID       string    `json:"id"` // webhook-id of its attempts
	Command  string    `json:"command"`
	UserID   string    `json:"userid,omitempty"` // whose event it is; absent for an alert
	QueuedAt time.Time `json:"queued_at"`
	DiedAt   time.Time `json:"died_at"`
	Reason   string    `json:"reason"` // of the last failure
}

// WebhookDeliveries say what waits, what was sent, and what could not be delivered.
type WebhookDeliveries struct {
	State       string           `json:"state"`           // of the webhook
	Waiting     int              `json:"waiting"`         // events that wait, up to 1000; in mode faithful those of this server
	More        bool             `json:"more"`            // there are more than 1000
	Oldest      time.Time        `json:"oldest,omitzero"` // time of the oldest event that waits in mode reliable
	Attempts    []WebhookAttempt `json:"attempts"`        // newest ones of this server, newest first
	DeadLetters []DeadLetter     `json:"dead_letters"`    // oldest first
}

// WebhookReplay says what to replay.
type WebhookReplay struct {
	IDs []string `json:"ids,omitempty"` // of dead letters; all if absent
}

// WebhookReplayed is the result of a replay.
type WebhookReplayed struct {
	Replayed int `json:"replayed"`
}
