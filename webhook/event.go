package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
)

// Errors of a webhook that a receiver refuses.
var (
	// ErrSignature means that a signature is missing, wrong or too old.
	ErrSignature = errors.New("signature refused")

	// ErrOtherApp means that the webhook is of another app than that of the receiver.
	ErrOtherApp = errors.New("other app")

	// ErrMalformed means that the query or the body is not that of a webhook.
	ErrMalformed = errors.New("malformed webhook")

	// ErrTooLarge means that the body is longer than [MaxBody].
	ErrTooLarge = errors.New("body too large")
)

// An Event is a webhook that was received.
type Event struct {
	Query

	// ID is the header webhook-id. It is the same in all attempts of Rollcall to deliver
	// an event, so that a receiver can ignore an event that it has handled already. It is
	// empty without Standard Webhooks.
	ID string

	// Body is the body of a command of the account service. It is nil for other commands
	// of the vendor.
	Body Body

	// JSON is the whole body, as it was received.
	JSON json.RawMessage
}

// Parse returns the event in the query and the body of a webhook, without its ID. It checks
// no signature. The error is an [ErrMalformed].
//
// It accepts a query without SdkAppid, ClientIP and OptPlatform, whose fields are zero
// then, and a query without CallbackCommand if the body has it. It ignores unknown keys,
// and accepts Info of a StateChange as an array of one object, which receivers have seen.
func Parse(query url.Values, body []byte) (*Event, error) {
	command, err := commandOf(query, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	app, err := appOf(query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	address, _ := netip.ParseAddr(query.Get("ClientIP")) // zero if it is absent or unreadable
	e := &Event{
		Query: Query{app, command, address, Platform(query.Get("OptPlatform"))},
		JSON:  json.RawMessage(body),
	}
	if e.Body, err = decode(command, body); err != nil {
		return nil, fmt.Errorf("%w: the body of %s: %w", ErrMalformed, command, err)
	}
	return e, nil
}

// commandOf returns the command of a webhook. The query and the body must agree, because
// the signature of a body does not cover the query.
func commandOf(query url.Values, body []byte) (string, error) {
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return "", errors.New("the body is not a JSON object")
	}
	var head struct{ CallbackCommand *string }
	if err := json.Unmarshal(body, &head); err != nil {
		return "", fmt.Errorf("the body: %w", plainly(err))
	}
	command := query.Get("CallbackCommand")
	switch {
	case head.CallbackCommand == nil && command == "", head.CallbackCommand != nil && *head.CallbackCommand == "":
		return "", errors.New("CallbackCommand is missing")
	case head.CallbackCommand == nil:
		return command, nil
	case command != "" && command != *head.CallbackCommand:
		return "", fmt.Errorf("CallbackCommand is %.100q in the URL and %.100q in the body", command, *head.CallbackCommand)
	}
	return *head.CallbackCommand, nil
}

// appOf returns the app in query, or 0 if there is none.
func appOf(query url.Values) (uint32, error) {
	text := query.Get("SdkAppid")
	if text == "" {
		return 0, nil
	}
	app, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("SdkAppid %.20q in the URL is not a number of an app", text)
	}
	return uint32(app), nil
}
