// Package supervisor tells the supervisor of this process about its state, and takes over
// sockets that the supervisor has opened. It speaks the protocol of systemd (see
// sd_notify(3) and sd_listen_fds(3)), which other supervisors speak too.
package supervisor

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A Supervisor receives messages about the state of this process. A nil Supervisor receives
// nothing, and neither does one of a process without a supervisor that speaks the protocol.
// It is safe for concurrent use.
type Supervisor struct {
	lg       *slog.Logger
	watchdog time.Duration
}

// New returns the Supervisor that the environment names: NOTIFY_SOCKET, WATCHDOG_USEC and
// WATCHDOG_PID. It logs to lg what cannot be used.
func New(lg *slog.Logger) *Supervisor {
	s := &Supervisor{lg: lg}
	var err error
	if s.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		lg.Warn("the supervisor asks for no usable watchdog, so there is none: correct WATCHDOG_USEC and WATCHDOG_PID", slog.String("err", err.Error()))
	}
	return s
}

// Watchdog returns the longest time between two calls of [Supervisor.Alive] after which the
// supervisor ends the process. It is 0 if there is no watchdog.
func (s *Supervisor) Watchdog() time.Duration {
	if s == nil {
		return 0
	}
	return s.watchdog
}

// Starting says that the start goes on, and may take up to atMost longer.
func (s *Supervisor) Starting(status string, atMost time.Duration) {
	s.send(describe(status), extend(atMost))
}

// Ready says that the process serves, after the start or after [Supervisor.Reloading].
func (s *Supervisor) Ready(status string) { s.send(daemon.SdNotifyReady, describe(status)) }

// Reloading says that the process reads its files again. [Supervisor.Ready] must follow.
func (s *Supervisor) Reloading() {
	// The supervisor compares this time with that of its request, by the clock of the kernel.
	s.send(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the process ends, within atMost.
func (s *Supervisor) Stopping(status string, atMost time.Duration) {
	s.send(daemon.SdNotifyStopping, describe(status), extend(atMost))
}

// Alive restarts the time of the watchdog.
func (s *Supervisor) Alive() { s.send(daemon.SdNotifyWatchdog) }

// send sends one message. A failure is logged only: the process is no worse without it.
func (s *Supervisor) send(lines ...string) {
	if s == nil {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		s.lg.Warn("the supervisor was not told about the state of the server: check NOTIFY_SOCKET", slog.String("err", err.Error()))
	}
}

// describe returns the line of a status for people.
func describe(status string) string { return "STATUS=" + strings.ReplaceAll(status, "\n", " ") }

// extend returns the line that lets the supervisor wait longer than its own limit.
func extend(atMost time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", atMost.Microseconds())
}
