package session

import "context"

// ReadMail lets tests read the mail of a node once.
func (s *Sessions) ReadMail(ctx context.Context) error { return s.readMail(ctx) }
