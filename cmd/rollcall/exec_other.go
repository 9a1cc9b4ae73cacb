//go:build !linux

package main

import (
	"errors"
	"os/exec"

	"rollcall/internal/intercept"
)

// errHosts is the error of --hosts, with what a user can do instead.
var errHosts = &usageError{errors.New(`--hosts works on Linux alone; here, lead the hosts to a server by hand:
  sudo rollcall serve --tls-local --listen 127.0.0.1:443
  sudo sh -c 'echo 127.0.0.1 console.tim.qq.com adminapiger.im.qcloud.com >>/etc/hosts'
  let the program trust the file of "rollcall ca path"
and remove the line from /etc/hosts afterwards`)}

func (s *execSession) useHosts(*intercept.Runtime) error { return errHosts }

func (s *execSession) inside([]string) (*exec.Cmd, error) { return nil, errHosts }

func (c *execCmd) isolate(*environment) (int, error) { return 0, errHosts }

func isolated() bool { return false }

func prepareIsolated() error { return errHosts }

// Run is never called on this system.
func (c *execInsideCmd) Run() error { return errHosts }
