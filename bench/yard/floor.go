package yard

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
)

// maxGroup is the maximum number of bodies that share one fdatasync.
const maxGroup = 1024

// A journal appends bodies to a file.
type journal struct {
	file  *os.File
	queue chan entry
}

// An entry is a body that waits to be written.
type entry struct {
	body []byte
	done chan error
}

// Floor serves the minimum of a durable service. It appends the body to a file
// in dir. Bodies that arrive together share one fdatasync. Then it responds. It
// parses nothing. It ends when ctx ends.
func Floor(ctx context.Context, dir string) error {
	f, err := os.Create(filepath.Join(dir, "journal"))
	if err != nil {
		return err
	}
	j := &journal{f, make(chan entry, maxGroup)}
	go j.write()
	err = serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := j.append(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, success)
	}))
	return errors.Join(err, f.Close())
}

// append writes the body of r to disk.
func (j *journal) append(r *http.Request) error {
	b, err := readBody(r)
	if err != nil {
		return err
	}
	e := entry{*b, make(chan error, 1)}
	j.queue <- e
	err = <-e.done
	bodies.Put(b)
	return err
}

// write repeatedly writes all waiting entries with one write and one fdatasync,
// until the process ends.
func (j *journal) write() {
	var group []entry
	var block []byte
	for e := range j.queue {
		group, block = append(group[:0], e), append(block[:0], e.body...)
		for more := true; more && len(group) < maxGroup; {
			select {
			case e := <-j.queue:
				group, block = append(group, e), append(block, e.body...)
			default:
				more = false
			}
		}
		_, err := j.file.Write(block)
		if err == nil {
			err = syscall.Fdatasync(int(j.file.Fd()))
		}
		for _, e := range group {
			e.done <- err
		}
	}
}
