package backups

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"rollcall/internal/durable"
)

// stateFile is the file in the data directory with the result of the newest drill, which
// metrics show after a restart.
const stateFile = "backup-drill.json"

// A state is what a server remembers of its drills.
type state struct {
	Drilled  time.Time `json:"drilled"`  // end of the newest drill
	Sound    bool      `json:"sound"`    // its result
	Damaged  bool      `json:"damaged"`  // it failed because a stored file is damaged
	TookMS   int64     `json:"took_ms"`  //
	Verified time.Time `json:"verified"` // time of the newest backup that a drill has verified
}

// readState returns the state, or none if the file cannot be read.
func (s *Service) readState() (st state) {
	b, err := os.ReadFile(s.dir(stateFile))
	if err == nil {
		err = json.Unmarshal(b, &st)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.o.Logger.Warn("the result of the last drill cannot be read; the next drill writes it again", slog.String("err", err.Error()))
		return state{}
	}
	return st
}

func (s *Service) writeState(st state) error {
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return durable.Write(s.dir(stateFile), append(b, '\n'))
}

// show shows a state in the metrics.
func (s *Service) show(st state) {
	if !st.Drilled.IsZero() {
		s.o.Metrics.BackupDrilled(st.Drilled, st.Sound, time.Duration(st.TookMS)*time.Millisecond, st.Verified)
	}
}
