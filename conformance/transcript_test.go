package conformance

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/faults"
)

// A transcript is one file of testdata.
type transcript struct {
	comments []string
	covers   string
	setup    setup
	lines    []string // the settings, unchanged
	steps    []*step
}

// A setup is the configuration of a transcript's server.
type setup struct {
	store    account.Engine // empty; see newStore
	clock    time.Time
	apps     []account.App
	accounts []account.UserID
	devices  []device
	status   map[account.UserID]string // custom statuses
	fault    account.Code              // of the store; OK for none
	faults   []faults.Fault            // of the app, which must be a test app
}

// A step is one request and its response.
type step struct {
	name     string
	head     []string // directives, request line and body, unchanged
	sleep    time.Duration
	from     netip.Addr
	host     string
	header   [][2]string
	method   string
	target   string
	body     string
	response string
	headers  [][2]string // of the response
}

const defaultApp account.AppID = 1400000000

func readTranscript(file string) (*transcript, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	head, rest, _ := strings.Cut(string(b), "\n== ")
	t := &transcript{setup: setup{clock: start, fault: account.OK}}
	for line := range strings.Lines(head) {
		if err := t.readSetting(strings.TrimRight(line, "\n")); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(t.setup.apps) == 0 {
		t.setup.apps = []account.App{{ID: defaultApp, Edition: account.Development}}
	}
	for text := range strings.SplitSeq(rest, "\n== ") {
		s, err := readStep(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, s.name, err)
		}
		t.steps = append(t.steps, s)
	}
	return t, nil
}

func (t *transcript) readSetting(line string) (err error) {
	key, value, _ := strings.Cut(line, ": ")
	switch {
	case strings.HasPrefix(line, "#"):
		t.comments = append(t.comments, line)
		return nil
	case line == "":
		return nil
	case key == "covers":
		t.covers = value
		return nil
	case key == "app":
		app := account.App{ID: defaultApp, Edition: account.Development}
		err = json.Unmarshal([]byte(value), &app)
		t.setup.apps = append(t.setup.apps, app)
	case key == "accounts":
		for id := range strings.FieldsSeq(value) {
			t.setup.accounts = append(t.setup.accounts, account.UserID(id))
		}
	case key == "clock":
		t.setup.clock, err = time.Parse(time.RFC3339, value)
	case key == "device":
		err = t.setup.readDevice(value)
	case key == "status":
		user, text, _ := strings.Cut(value, " ")
		if t.setup.status == nil {
			t.setup.status = map[account.UserID]string{}
		}
		t.setup.status[account.UserID(user)] = text
	case key == "fault":
		t.setup.fault = map[string]account.Code{"internal": account.Internal, "unavailable": account.Unavailable}[value]
	default:
		err = fmt.Errorf("unknown setting %q", line)
	}
	t.lines = append(t.lines, line)
	return err
}

// A device is logged in before the first step.
type device struct {
	user     account.UserID
	platform account.Platform
	state    string // online or push
	id       uint64
}

func (s *setup) readDevice(value string) error {
	var d device
	if _, err := fmt.Sscan(value, &d.user, &d.platform, &d.state, &d.id); err != nil {
		return fmt.Errorf("device %q: %w", value, err)
	}
	s.devices = append(s.devices, d)
	return nil
}

var requestLine = regexp.MustCompile(`^([A-Z]+) (/\S*.*)$`)

func readStep(text string) (*step, error) {
	name, rest, _ := strings.Cut(text, "\n")
	s := &step{name: name, from: netip.MustParseAddr("192.0.2.1")}
	request, response, ok := strings.Cut(rest, "\n---\n")
	if !ok {
		return s, fmt.Errorf("no --- line")
	}
	s.head = strings.Split(request, "\n")
	for i, line := range s.head {
		if m := requestLine.FindStringSubmatch(line); m != nil {
			s.method, s.target = m[1], m[2]
			s.body = strings.Join(s.head[i+1:], "\n")
			break
		}
		if err := s.readDirective(line); err != nil {
			return s, err
		}
	}
	s.readResponse(response)
	return s, nil
}

func (s *step) readResponse(text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if header, ok := strings.CutPrefix(line, "< "); ok {
			name, value, _ := strings.Cut(header, ":")
			s.headers = append(s.headers, [2]string{name, strings.TrimSpace(value)})
			continue
		}
		s.response = line
	}
}

func (s *step) readDirective(line string) (err error) {
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "sleep":
		s.sleep, err = time.ParseDuration(value)
	case "from":
		s.from, err = netip.ParseAddr(value)
	case "host":
		s.host = value
	case "header":
		name, value, _ := strings.Cut(value, ": ")
		s.header = append(s.header, [2]string{name, value})
	default:
		err = fmt.Errorf("unknown directive %q", line)
	}
	return err
}

// write writes t to file.
func (t *transcript) write(tb testing.TB, file string) {
	tb.Helper()
	var b strings.Builder
	for _, line := range t.comments {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, "covers: %s\n", t.covers)
	for _, line := range t.lines {
		fmt.Fprintln(&b, line)
	}
	for _, s := range t.steps {
		fmt.Fprintf(&b, "\n== %s\n%s\n---\n%s\n", s.name, strings.Join(s.head, "\n"), s.response)
		for _, h := range s.headers {
			fmt.Fprintf(&b, "< %s: %s\n", h[0], h[1])
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		tb.Fatal(err)
	}
}

// command returns the last element of the step's path.
func (s *step) command() string {
	path, _, _ := strings.Cut(s.target, "?")
	parts := strings.Split(path, "/")
	return parts[len(parts)-1]
}
