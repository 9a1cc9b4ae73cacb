package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// injectFault sets the fault of the call, which has passed the gate. Only test apps have
// faults, on servers that allow test apps.
func (s *Server) injectFault(c *call) {
	if s.faults == nil || !c.test {
		return
	}
	if c.fault = s.faults.Next(uint32(c.app.ID), c.Name); c.fault != nil {
		c.event.Add(slog.String("fault", c.fault.ID))
	}
}

// run runs the command, unless the fault of the call replaces it.
func (c *call) run(ctx context.Context) (resp any, err error) {
	f := c.fault
	if f == nil {
		return c.serve(ctx, c, c.body.Bytes())
	}
	if f.Replaces() {
		resp = wire.Success // without a code, no client sees it
	} else if resp, err = c.serve(ctx, c, c.body.Bytes()); err != nil {
		return nil, err
	}
	if f.Code == 0 {
		return resp, nil
	}
	return nil, c.faultError(wire.Code(f.Code), f.Info)
}

// faultError returns the error with a code that a fault names. Its response has the key
// order that the code has otherwise.
func (c *call) faultError(code wire.Code, info string) error {
	if info == "" && wire.Lookup(code).Text == "" {
		info = "a fault of the test app answers this code"
	}
	err := &wire.Error{Code: code, Text: info}
	if wire.SigExpired <= code && code <= wire.SigKicked {
		return &gateError{err}
	}
	return err
}

// doom chooses the items of a batch that the fault of the call fails.
func (c *call) doom(userIDs []account.UserID) {
	if c.fault != nil && c.fault.OfItems() {
		c.doomed = c.fault.Items(len(userIDs), func(i int) string { return string(userIDs[i]) })
	}
}

// dooms reports whether the fault of the call fails an item.
func (c *call) dooms(item int) bool {
	if len(c.doomed) == 0 {
		return false
	}
	_, found := slices.BinarySearch(c.doomed, item)
	return found
}

// itemCode returns the code of an item: that of the fault if it fails the item,
// otherwise that of its result.
func (c *call) itemCode(item int, result account.Code) wire.Code {
	if !c.dooms(item) {
		return c.service.code(result)
	}
	if c.fault.ItemCode == 0 {
		return wire.Internal
	}
	return wire.Code(c.fault.ItemCode)
}

// itemResult returns the code and the text of an item.
func (c *call) itemResult(item int, result account.Code, detail string) (wire.Code, string) {
	if !c.dooms(item) {
		return c.result(result, detail)
	}
	code := c.itemCode(item, result)
	return code, wire.Info(code, detail)
}

// spared calls fn with the items that the fault of c does not fail. It returns the
// results in the places of their items; those of the other items are zero.
func spared[T, R any](c *call, items []T, fn func([]T) ([]R, error)) ([]R, error) {
	if len(c.doomed) == 0 {
		return fn(items)
	}
	var good []T
	for i, item := range items {
		if !c.dooms(i) {
			good = append(good, item)
		}
	}
	all := make([]R, len(items))
	if len(good) == 0 {
		return all, nil
	}
	results, err := fn(good)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if !c.dooms(i) {
			all[i], results = results[0], results[1:]
		}
	}
	return all, nil
}

// faultHeader names the fault that changed a response.
const faultHeader = "Rollcall-Fault"

// sendFaulty sends the response of a call as its fault demands. It panics with
// [http.ErrAbortHandler] to cut the connection.
func (s *Server) sendFaulty(w http.ResponseWriter, r *http.Request, c *call, body []byte) {
	f, h, status := c.fault, w.Header(), http.StatusOK
	h.Set(faultHeader, f.ID)
	switch {
	case f.Cut == faults.CutBefore:
		status, body = 0, nil
	case f.ReplacesBody():
		status, body = f.Status, proxyPage(f.Status)
		h.Set("Content-Type", "text/html")
	case f.Status != 0:
		status = f.Status
	}
	s.record(r, c, status, body)
	hold(w, r, f.Delay())
	if f.Cut == faults.CutBefore {
		panic(http.ErrAbortHandler)
	}
	setLength(h, len(body))
	w.WriteHeader(status)
	if f.Cut == faults.CutMiddle {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body) // an error means that the client has gone
}

// proxyPage returns the page that a proxy sends with an HTTP status.
func proxyPage(status int) []byte {
	return fmt.Appendf(nil, "<html><head><title>%d %s</title></head><body></body></html>\n", status, http.StatusText(status))
}

// hold waits for d. It returns earlier if the client hangs up or the server shuts down.
func hold(w http.ResponseWriter, r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	const toSend = 10 * time.Second
	_ = httpx.Extend(w, d+toSend) // an error means that there are no deadlines
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-httpx.Ending(r.Context()):
	}
}
