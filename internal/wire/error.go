package wire

import "fmt"

// An Error is a fault that has one number whatever the service.
type Error struct {
	Code   Code
	Detail string // one sentence with the remedy; safe to send
	Text   string // ErrorInfo, where it is neither that of the table nor Detail
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, Info(e.Code, e.Detail)) }
