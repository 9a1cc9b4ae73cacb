package bulk

import "time"

// SetChunkRows sets the largest number of rows of a chunk.
func (s *Service) SetChunkRows(n int) { s.rows = n }

// SetPoll sets the time between two looks of a task that waits.
func (s *Service) SetPoll(d time.Duration) { s.poll = d }

// SetSilence sets how long a client may send nothing.
func (s *Service) SetSilence(d time.Duration) { s.silence = d }

// MaxStreams is how many streams a server takes at once.
const MaxStreams = maxStreams
