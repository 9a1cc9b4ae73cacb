package adminapi

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/calls"
	"rollcall/internal/faults"
)

// A Call is one finished call of the account API, as the server keeps it.
type Call = calls.Call

// A CallFailure is an item of a batch that failed.
type CallFailure = calls.Failure

// CallList contains calls.
type CallList struct {
	Calls []*Call `json:"calls"` // newest first, or oldest first with after
	Last  uint64  `json:"last"`  // value of after for the calls that come next
}

// A NewCall is a call of the account API that the server makes for a test app.
type NewCall struct {
	Command    string         `json:"command" schema:"command"`
	Identifier string         `json:"identifier,omitempty" schema:"userid"` // an admin of the app if absent
	Body       jsontext.Value `json:"body,omitempty"`                       // of the call; {} if absent
	Text       string         `json:"text,omitempty"`                       // instead of the body: what to send as it is, also if it is no JSON
}

// A MadeCall is the response to a call that the server has made.
type MadeCall struct {
	RequestID string `json:"request_id"`   // under which the call is kept
	Status    int    `json:"status"`       // HTTP status; 0 if a fault cut the connection before the response
	Body      string `json:"body"`         // of the response, as a client gets it
	Cut       bool   `json:"cut,omitzero"` // whether a fault cut the connection
}

// A RateReport says which calls the rate limits of an app would have refused, if its
// rate_mode were not shadow.
type RateReport struct {
	Commands []RateSummary `json:"commands"` // most refusals first
	Seconds  []RateSecond  `json:"seconds"`  // newest first, at most 600
}

// A RateSummary sums up the seconds of one command in a RateReport.
type RateSummary struct {
	Command string `json:"command"` // "" for the ceiling of the whole app
	Limit   int    `json:"limit"`   // calls per second, at the newest second
	Peak    int    `json:"peak"`    // most calls in a second
	Refused int    `json:"refused"` // number of calls that would have been refused
	Seconds int    `json:"seconds"` // number of seconds with such calls
}

// A RateSecond is one second in which a limit was exceeded.
type RateSecond struct {
	Command string    `json:"command"` // "" for the ceiling of the whole app
	Time    time.Time `json:"time"`
	Limit   int       `json:"limit"`
	Calls   int       `json:"calls"`
	Refused int       `json:"refused"` // number of calls that would have been refused
}

// A Fault says what goes wrong with which calls of a test app.
type Fault = faults.Fault

// An ActiveFault is a fault of an app, with its counts.
type ActiveFault = faults.ActiveFault

// FaultList contains the faults of an app in their order. The first one that changes a
// call wins.
type FaultList struct {
	Faults []ActiveFault `json:"faults"`
}

// Cleared is the result of removing calls or faults.
type Cleared struct {
	Cleared int `json:"cleared"` // number of removed things
}
