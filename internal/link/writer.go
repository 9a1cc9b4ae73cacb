package link

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"rollcall/internal/linkwire"
)

// An outgoing is a frame to write. With a code the link is closed after it.
type outgoing struct {
	frame any // nil for none
	code  int
}

// end ends the link, unless it has ended. The device receives the frame, if it is not nil,
// and then the code. Without a code the connection is of no use any more. It does not wait.
func (l *link) end(why cause, frame any, code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended, l.cause = true, why
	if code == 0 || l.broken || !l.push(outgoing{frame, code}) {
		go l.raw.Close() // it can wait for what a device does not read
	}
}

// send lets a frame be written. It returns false if the link has ended. A device that does not
// read has no link.
func (l *link) send(frame any) bool {
	l.mu.Lock()
	more := !l.ended
	full := more && !l.broken && !l.push(outgoing{frame: frame})
	l.mu.Unlock()
	if full {
		l.end(silent, nil, 0)
	}
	return more && !full
}

// push adds o to the queue, which a goroutine writes. It returns false if the queue is full.
// Its caller holds the lock.
func (l *link) push(o outgoing) bool {
	if len(l.queue) == queued {
		return false
	}
	l.queue = append(l.queue, o)
	if !l.writing {
		l.writing = true
		l.writes.Go(l.write)
	}
	return true
}

// sendReady writes the first frame before it returns, and is called by the goroutine that
// serves l. It returns false if the link has ended.
func (l *link) sendReady(frame linkwire.Ready) bool {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return false
	}
	l.queue, l.writing = append(l.queue, outgoing{frame: frame}), true
	l.mu.Unlock()
	l.write()
	return true
}

// write writes the frames of the queue. One goroutine does so at a time, and only while there
// are frames, so that an idle link needs no goroutine for it.
func (l *link) write() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.queue, l.writing = nil, false
			l.mu.Unlock()
			return
		}
		o := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		if !l.writeOne(o) {
			l.stopWriting()
			return
		}
	}
}

// stopWriting lets no more frames be written. If l has not ended, the goroutine that reads
// notices why.
func (l *link) stopWriting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	if l.ended {
		go l.raw.Close()
	}
}

// writeOne writes a frame, and closes the link if it is the last one. It returns false at the
// end. A device that takes no frames has gone unseen.
func (l *link) writeOne(o outgoing) (more bool) {
	limit := writeTime
	if o.code != 0 {
		limit = closeTime
	}
	stuck := time.AfterFunc(limit, func() {
		l.end(silent, nil, 0)
		_ = l.raw.Close()
	})
	defer stuck.Stop()
	if o.frame != nil {
		if err := l.conn.Write(context.Background(), websocket.MessageText, linkwire.Encode(o.frame)); err != nil {
			return false
		}
	}
	if o.code == 0 {
		return true
	}
	_ = l.conn.Close(websocket.StatusCode(o.code), "") // an error means that the device has gone
	return false
}

// ping sends a ping, waits for the answer, which the goroutine that serves l reads, and sets
// the time of the next one. A device that does not answer has gone unseen. The frames of the
// link do not wait for the answer. A device that its app no longer admits gets the reason
// instead of a ping.
func (l *link) ping() {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.pings.Add(1)
	l.mu.Unlock()
	defer l.pings.Done()
	if err := l.admitAgain(); err != nil {
		l.refuse(notAdmitted, err, linkwire.CloseRefused)
		return
	}
	late := time.AfterFunc(pongTime, func() { l.end(silent, nil, 0) })
	defer late.Stop()
	_ = l.conn.Ping(context.Background()) // an error is noticed by its time or by the goroutine that reads
	l.pinger.Reset(l.s.o.Ping)
}
