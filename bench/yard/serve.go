// Package yard contains the yardsticks: servers that show the minimum cost of a
// call and its cost in an ordinary server. Each runs as a separate process and
// prints its URL on standard output.
package yard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Ready begins the line in which a yardstick prints its URL.
const Ready = "ready "

// success is the response of noop and floor: 59 bytes.
const success = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","Bad":[]}`

// serve serves h on a free port of the loopback until ctx ends.
func serve(ctx context.Context, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	fmt.Fprintf(os.Stdout, "%shttp://%s\n", Ready, l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bodies is a pool of *[]byte for request bodies.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 16<<10)
	return &b
}}

// readBody reads the body of r into a buffer of bodies. The request must have a
// Content-Length.
func readBody(r *http.Request) (*[]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > 1<<20 {
		return nil, errors.New("the body must have a length of at most 1 MiB")
	}
	b := bodies.Get().(*[]byte)
	if int64(cap(*b)) < r.ContentLength {
		*b = make([]byte, 0, r.ContentLength)
	}
	*b = (*b)[:r.ContentLength]
	_, err := io.ReadFull(r.Body, *b)
	return b, err
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body) // an error means that the client has gone
}

// Noop serves calls that do nothing: it reads the body and responds. It ends
// when ctx ends.
func Noop(ctx context.Context) error {
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := readBody(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		bodies.Put(b)
		answer(w, success)
	}))
}
