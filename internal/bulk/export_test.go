package bulk

import "time"

// SetChunkRows sets the largest number of rows of a chunk.
func (s *Service) SetChunkRows(n int) { s.rows = n }

// SetPoll sets the time between two looks of a task that waits.
func (s *Service) SetPoll(d time.Duration) { s.poll = d }
