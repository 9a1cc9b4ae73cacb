package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/intercept"
)

// An execSession has everything that a program of exec needs while it runs.
type execSession struct {
	env     *environment
	dir     string // for temporary files
	backend *backend
	proxy   *intercept.Proxy
	environ []string // of the program
	signals <-chan os.Signal

	hosts    bool                // --hosts is in effect
	overlays []intercept.Overlay // with hosts
}

// newExecSession prepares a session. The server and the proxy serve when it returns.
func newExecSession(ctx context.Context, c *execCmd, env *environment) (s *execSession, err error) {
	s = &execSession{env: env, hosts: c.Hosts}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, name := range c.Intercept {
		if err := intercept.CheckName(name); err != nil {
			return s, &usageError{fmt.Errorf("--intercept: %w", err)}
		}
	}
	tmp, err := filepath.Abs(os.TempDir()) // the program can change its directory
	if err != nil {
		return s, err
	}
	if s.dir, err = os.MkdirTemp(tmp, "rollcall-exec-"); err != nil {
		return s, err
	}
	if s.backend, err = c.backend(ctx, env, s.dir); err != nil {
		return s, err
	}
	runtime := &intercept.Runtime{Dir: s.dir, Names: c.Intercept, Trust: s.backend.trust, Passthrough: c.Passthrough}
	if runtime.Authority, err = intercept.NewAuthority(c.Intercept, time.Now()); err != nil {
		return s, err
	}
	if err := s.startProxy(c, runtime); err != nil {
		return s, err
	}
	if c.Hosts {
		if err := s.useHosts(runtime); err != nil {
			return s, err
		}
	}
	if err := runtime.Write(os.Environ()); err != nil {
		return s, err
	}
	set := s.backend.variables()
	set[caVariable] = runtime.CAFile()
	s.environ = intercept.With(runtime.Environ(os.Environ()), set)
	return s, nil
}

// startProxy starts the proxy on a free port, which it sets in r.
func (s *execSession) startProxy(c *execCmd, r *intercept.Runtime) error {
	target, err := url.Parse(s.backend.URL)
	if err != nil {
		return err
	}
	o := intercept.ProxyOptions{
		Authority: r.Authority, Names: r.Names, Target: target, Transport: s.backend.transport,
		Passthrough: c.Passthrough, Chain: http.ProxyFromEnvironment,
		FaultResponse: api.Malformed,
		Notice:        func(text string) { fmt.Fprintln(s.env.stderr, "rollcall exec:", cleanLines(text)) },
	}
	if intercept.KnowsPeers() && intercept.AdoptOrphans() == nil {
		o.Admit = intercept.FromTree
	} else {
		r.Password = rand.Text()
		o.Password = r.Password
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.Port = l.Addr().(*net.TCPAddr).Port
	if s.proxy, err = intercept.NewProxy(o); err != nil {
		l.Close()
		return err
	}
	s.proxy.Serve(l)
	return nil
}

// summary says how many calls came, and what to do if there was none. A program that
// failed may have had another reason, which it says itself.
func (s *execSession) summary(program string, exitCode int) string {
	n := s.backend.calls(s.proxy)
	switch {
	case n == 0 && s.backend.running:
		return program + " called no host of the vendor; calls to $ROLLCALL_URL itself are not counted"
	case n == 0 && s.hosts:
		return program + " never called the service; if it calls another host, add that with --intercept"
	case n == 0 && exitCode != 0:
		return program + " never called the service; if it did not fail for another reason, it may ignore proxies: try --hosts"
	case n == 0:
		return program + " never called the service; if it makes calls, it ignores proxies: try --hosts"
	case n == 1:
		return "1 call reached the service"
	default:
		return strconv.FormatInt(n, 10) + " calls reached the service"
	}
}

// close ends the server and the proxy, and removes the files.
func (s *execSession) close() error {
	var errs []error
	if s.proxy != nil {
		s.proxy.Close()
	}
	if s.backend != nil {
		errs = append(errs, s.backend.stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(filepath.Clean(s.dir)))
	}
	return errors.Join(errs...)
}
