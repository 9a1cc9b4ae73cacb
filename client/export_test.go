package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rollcall/client"
)

// exporter returns a client of a server whose exports handler sends. host is the name of
// the server, "" for its address.
func exporter(t *testing.T, host string, handler http.HandlerFunc) *client.AdminClient {
	t.Helper()
	srv := httptest.NewServer(handler)
	base, tr := srv.URL, http.DefaultTransport.(*http.Transport).Clone()
	if host != "" {
		base = "http://" + host
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		}
	}
	c, err := client.NewAdmin(client.AdminOptions{BaseURL: base, Token: "rct_test", HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.CloseIdleConnections()
		srv.Close()
	})
	return c
}

// sendRows sends lines, and their number in the trailer.
func sendRows(w http.ResponseWriter, lines string, rows int) {
	w.Header().Set("Trailer", "Rollcall-Rows")
	fmt.Fprint(w, lines)
	w.Header().Set("Rollcall-Rows", fmt.Sprint(rows))
}

func TestExport(t *testing.T) {
	const lines = `{"userid":"a"}` + "\n" + `{"userid":"b"}` + "\n"
	for _, host := range []string{"", "rollcall.test"} {
		var tries atomic.Int32
		c := exporter(t, host, func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.String(); got != "/admin/v1/apps/5/accounts:export?deleted=true&details=true&prefix=a%2F" || r.Header.Get("Authorization") != "Bearer rct_test" {
				t.Errorf("request %s, %v", got, r.Header)
			}
			switch {
			case tries.Add(1) == 1:
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(503)
				fmt.Fprint(w, `{"code":"unavailable"}`)
			case r.Header.Get("Accept-Encoding") == "zstd":
				w.Header().Set("Content-Encoding", "zstd")
				w.Header().Set("Trailer", "Rollcall-Rows")
				z, _ := zstd.NewWriter(w)
				_, _ = io.WriteString(z, lines)
				_ = z.Close()
				w.Header().Set("Rollcall-Rows", "2")
			default:
				sendRows(w, lines, 2)
			}
			if compressed := r.Header.Get("Accept-Encoding") != "identity"; compressed != (host != "") {
				t.Errorf("Accept-Encoding %q for the host %q", r.Header.Get("Accept-Encoding"), host)
			}
		})
		x, err := c.Export(t.Context(), 5, client.ExportQuery{Prefix: "a/", Deleted: true, Details: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(x)
		if err != nil || string(got) != lines || x.Rows() != 2 {
			t.Errorf("%q, %d rows, %v", got, x.Rows(), err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestExportCutOff reads exports that are not whole.
func TestExportCutOff(t *testing.T) {
	row := strings.Repeat(`{"userid":"a"}`+"\n", 1000)
	for name, tt := range map[string]struct {
		host    string
		handler http.HandlerFunc
		want    string
	}{
		"broken off": {"", func(w http.ResponseWriter, _ *http.Request) {
			sendRows(w, row, 1000)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "cut off after 1000 rows"},
		"no end":        {"", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, row) }, "cut off after 1000 rows: the end is missing"},
		"fewer rows":    {"", func(w http.ResponseWriter, _ *http.Request) { sendRows(w, row, 1001) }, "the server has sent 1001 rows"},
		"a proxy's end": {"", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") }, "cut off after 0 rows"},
		"compressed": {"rollcall.test", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "zstd")
			z, _ := zstd.NewWriter(w)
			_, _ = io.WriteString(z, row)
			_ = z.Flush()
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "cut off after"},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := exporter(t, tt.host, tt.handler).Export(t.Context(), 5, client.ExportQuery{})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			_, err = io.ReadAll(x)
			e, ok := errors.AsType[*client.TransportError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) || e.Status != 200 {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if n, again := x.Read(make([]byte, 10)); n != 0 || again != err {
				t.Errorf("then %d bytes, %v", n, again)
			}
		})
	}
}

func TestExportRefused(t *testing.T) {
	c := exporter(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(422)
		fmt.Fprint(w, `{"code":"unsupported"}`)
	})
	x, err := c.Export(t.Context(), 5, client.ExportQuery{})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Slug != client.SlugUnsupported || x != nil {
		t.Errorf("%v, want unsupported", err)
	}
}

// TestExportCanceled ends the context in the middle of an export.
func TestExportCanceled(t *testing.T) {
	c := exporter(t, "", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, `{"userid":"a"}`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	x, err := c.Export(ctx, 5, client.ExportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := x.Read(make([]byte, 100)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	cancel()
	if _, err := io.ReadAll(x); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
