package admin

import (
	"net/http"
	"testing"
	"time"
)

// A deadlineWriter records deadlines.
type deadlineWriter struct {
	http.ResponseWriter
	read, write time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error  { w.read = t; return nil }
func (w *deadlineWriter) SetWriteDeadline(t time.Time) error { w.write = t; return nil }

// TestStreamConnExtend leaves time for the response after the deadline of reads. In HTTP/2 a
// client would see an exchange that breaks off otherwise.
func TestStreamConnExtend(t *testing.T) {
	w, now := new(deadlineWriter), time.Now()
	streamConn{w}.Extend(time.Minute)
	if w.read.Before(now.Add(time.Minute)) || w.write.Before(w.read.Add(timeout)) {
		t.Errorf("reads end at %v and writes at %v, a minute after %v", w.read, w.write, now)
	}
}
