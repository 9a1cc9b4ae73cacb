package wire

import "fmt"

// An Error is an error that has the same code in every service.
type Error struct {
	Code   Code
	Detail string // one sentence with the remedy; safe to send to the client
	Text   string // ErrorInfo, if it is neither Detail nor the text of the table
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, Info(e.Code, e.Detail)) }
