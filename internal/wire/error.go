package wire

import "fmt"

// An Error is a fault that has one number whatever the service.
type Error struct {
	Code   Code
	Detail string // one sentence with the remedy; safe to send
	Text   string // ErrorInfo, where it is neither that of the table nor Detail
	Err    error  // cause; logged, never sent
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%d: %s", e.Code, Info(e.Code, e.Detail))
	}
	return fmt.Sprintf("%d: %s: %v", e.Code, Info(e.Code, e.Detail), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
