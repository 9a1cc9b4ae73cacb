package recording

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"rollcall/internal/pseudonym"
	"rollcall/internal/region"
	"rollcall/internal/wire"
)

// Limits of a recorder.
const (
	maxBody  = 2 << 20 // bytes of a body that are recorded; longer ones are forwarded and omitted
	maxCalls = 64      // calls under way at once; others wait
)

// Options configure a [Recorder]. To and File are required.
type Options struct {
	To   *url.URL // the endpoint: scheme, host, and a path to put in front, if any
	File string   // the recording; it must not exist

	// Transport sends the requests; nil means one of net/http. It must not decompress.
	Transport http.RoundTripper

	// Names replaces the texts of users; nil means a new key, which nobody else has.
	Names *pseudonym.Key

	// By is the version of Rollcall.
	By string

	// Logger logs calls that could not be forwarded or recorded. Required.
	Logger *slog.Logger
}

// A Recorder is an [http.Handler] that forwards requests to an endpoint and records those
// of the vendor's protocol.
type Recorder struct {
	o     Options
	proxy *httputil.ReverseProxy
	turns chan struct{}
	start time.Time

	mu     sync.Mutex
	file   *os.File
	calls  int
	failed error // the first error of file; nothing is recorded after it
}

// NewRecorder creates the file, with mode 0600, and writes its header.
func NewRecorder(o Options) (*Recorder, error) {
	file, err := os.OpenFile(o.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s exists, and a recording replaces no file: choose another name, or move it away", o.File)
	}
	if err != nil {
		return nil, err
	}
	if o.Names == nil {
		o.Names = pseudonym.New()
	}
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	r := &Recorder{o: o, file: file, start: time.Now(), turns: make(chan struct{}, maxCalls)}
	r.proxy = &httputil.ReverseProxy{
		Rewrite: r.rewrite, Transport: o.Transport, FlushInterval: -1,
		ModifyResponse: watchResponse, ErrorHandler: r.unreachable,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	r.write(Header{Format: Format, Version: Version, RecordedAt: r.start.UTC().Truncate(time.Second), RecordedBy: o.By, Endpoint: endpointName(o.To)})
	return r, r.failed
}

// NewTransport returns a transport of net/http for a recorder: HTTP/1.1 and HTTP/2, which
// passes on compressed bodies as they are.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = maxCalls
	t.ResponseHeaderTimeout = time.Minute
	return t
}

// endpointName returns the host of u if it is one of the vendor.
func endpointName(u *url.URL) string {
	if host := strings.ToLower(u.Hostname()); region.Of(host) != "" {
		return host
	}
	return "other"
}

// rewrite directs a request to the endpoint and leaves the rest of it as it is.
func (r *Recorder) rewrite(p *httputil.ProxyRequest) {
	p.SetURL(r.o.To)
	p.Out.URL.RawQuery = p.In.URL.RawQuery // ReverseProxy has cleaned it
	p.Out.URL.ForceQuery = p.In.URL.ForceQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := p.In.Header[name]; ok {
			p.Out.Header[name] = values
		}
	}
}

// ServeHTTP forwards req.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-req.Context().Done():
		return
	}
	if wire.IsVendorPath(req.URL.Path) {
		watched, err := r.watch(req)
		if err != nil {
			http.Error(w, "rollcall record: the body of the request was cut off", http.StatusBadRequest)
			return
		}
		req = watched
	}
	r.proxy.ServeHTTP(w, req)
}

// unreachable answers a request that the endpoint did not answer.
func (r *Recorder) unreachable(w http.ResponseWriter, req *http.Request, err error) {
	if req.Context().Err() != nil {
		return // the client hung up
	}
	r.o.Logger.Error("the endpoint did not answer; the call is not recorded", "path", req.URL.Path, "err", err)
	http.Error(w, "rollcall record: the endpoint did not answer", http.StatusBadGateway)
}

// write writes v as one line.
func (r *Recorder) write(v any) {
	if r.failed != nil {
		return
	}
	b, err := line(v)
	if err == nil {
		_, err = r.file.Write(b)
	}
	if err != nil {
		r.failed = fmt.Errorf("the recording ends after %d calls: %w", r.calls, err)
		r.o.Logger.Error("calls are forwarded but no longer recorded", "err", err)
	}
}

// record writes an exchange and gives it its number.
func (r *Recorder) record(e *Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Call = r.calls + 1
	if r.write(e); r.failed == nil {
		r.calls++
	}
}

// Calls returns the number of recorded calls.
func (r *Recorder) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// Close makes the recording durable. It must be called after the last request. The error
// may be that of an earlier call that could not be recorded.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.failed, r.file.Sync(), r.file.Close())
}
