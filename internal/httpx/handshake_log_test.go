package httpx

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandshakeLog makes handshakes fail. One per minute must be a warning with
// the number of others. A connection that sends nothing must not be a warning.
func TestHandshakeLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf, _ := selfSigned(t)
		var log bytes.Buffer
		h := newHandshaker(nil, conf, &faultWriter{lg: slog.New(slog.NewTextHandler(&log, nil))})
		fail := func(client func(net.Conn)) string {
			log.Reset()
			ours, theirs := net.Pipe()
			go func() {
				client(theirs)
				theirs.Close()
			}()
			h.handshake(t.Context(), ours)
			synctest.Wait()
			return log.String()
		}
		distrust := func(c net.Conn) { _ = tls.Client(c, &tls.Config{ServerName: "127.0.0.1"}).Handshake() }
		silent := func(net.Conn) {}
		for i, step := range []struct {
			after  time.Duration
			client func(net.Conn)
			want   string // "" for no line at level Info
		}{
			{0, silent, ""},
			{0, distrust, "unseen=0"},
			{0, distrust, ""},
			{time.Second, distrust, ""},
			{time.Minute, silent, ""},
			{0, distrust, "unseen=2"},
		} {
			time.Sleep(step.after)
			got := fail(step.client)
			if step.want == "" && got != "" || !strings.Contains(got, step.want) {
				t.Errorf("step %d: logged %q, want %q", i, got, step.want)
			}
			if got != "" && (!strings.Contains(got, "level=WARN") || !strings.Contains(got, "certificate") || !strings.Contains(got, "remote=")) {
				t.Errorf("step %d: logged %q", i, got)
			}
		}
	})
}
