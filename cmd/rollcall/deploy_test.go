package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A composeFile is the part of the Compose Specification that deploy/compose.yml uses. The
// decoder refuses every other key.
type composeFile struct {
	Name     string                     `yaml:"name"`
	Node     *composeService            `yaml:"x-node"`
	Services map[string]*composeService `yaml:"services"`
	Networks map[string]struct{}        `yaml:"networks"`
	Volumes  map[string]struct{}        `yaml:"volumes"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build *struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Restart     string            `yaml:"restart"`
	StopGrace   string            `yaml:"stop_grace_period"`
	SHMSize     string            `yaml:"shm_size"`
	MemLimit    string            `yaml:"mem_limit"`
	ReadOnly    bool              `yaml:"read_only"`
	TmpFS       []string          `yaml:"tmpfs"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	Networks    []string          `yaml:"networks"`
	Environment map[string]string `yaml:"environment"`
	Command     []string          `yaml:"command"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck *struct {
		Test     []string `yaml:"test"`
		Interval string   `yaml:"interval"`
		Timeout  string   `yaml:"timeout"`
		Retries  int      `yaml:"retries"`
	} `yaml:"healthcheck"`
}

const deployDir = "../../deploy"

// ours is the image that deploy/Dockerfile builds.
const ours = "rollcall"

// TestCompose checks what "docker compose config" would, and that our program knows every
// flag that the file gives it.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deployDir, "compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range composeProblems(t, text) {
		t.Error(problem)
	}
}

func TestComposeProblems(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deployDir, "compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"--drain=8s", "--drian=8s", `node1: "rollcall serve" has no flag --drian`},
		{"- --grant=rollcall", "- --seed=x", `migrate: "rollcall migrate" has no flag --seed`},
		{"restart: unless-stopped\n    networks", "restarts: unless-stopped\n    networks", `unknown field "restarts"`},
		{"- keys:/keys", "- key:/keys", "node1: the volume key is not declared"},
		{"- ./roles.sh", "- ./role.sh", "postgres: there is no file ./role.sh"},
		{"      redis:\n        condition", "      rediss:\n        condition", "node1: there is no service rediss"},
		{"service_healthy", "service_health", "migrate: unknown condition service_health"},
		{"dockerfile: ../deploy/Dockerfile", "dockerfile: ../deploy/dockerfile", "there is no file ../deploy/dockerfile"},
		{"image: redis:7", "image: redis", "redis: the image redis has no version"},
		{"127.0.0.1:7580:7580", "7580", "proxy: the port 7580 has no address"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, -1)
		if changed == string(text) {
			t.Errorf("compose.yml does not contain %q", c.old)
		}
		if got := composeProblems(t, []byte(changed)); !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("with %q: problems %q, want %q", c.new, got, c.want)
		}
	}
}

func composeProblems(t *testing.T, text []byte) (problems []string) {
	t.Helper()
	var f composeFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return []string{err.Error()}
	}
	for name, s := range f.Services {
		add := func(text string) { problems = append(problems, name+": "+text) }
		for _, text := range slices.Concat(s.imageProblems(), f.references(s), flagProblems(t, s)) {
			add(text)
		}
	}
	return problems
}

// imageProblems reports an image without a version, and files of a build that do not exist.
func (s *composeService) imageProblems() (problems []string) {
	if s.Image != ours && !strings.Contains(s.Image, ":") {
		problems = append(problems, "the image "+s.Image+" has no version")
	}
	if (s.Image == ours) != (s.Build != nil) {
		problems = append(problems, "the image "+s.Image+" is not the one that is built")
	}
	if s.Build == nil {
		return problems
	}
	// The directory of the context exists only after "make build".
	if _, err := os.Stat(filepath.Join(deployDir, filepath.Clean(filepath.Join(s.Build.Context, s.Build.Dockerfile)))); err != nil {
		problems = append(problems, "there is no file "+s.Build.Dockerfile)
	}
	return problems
}

// references reports names that are not declared, and files that do not exist.
func (f *composeFile) references(s *composeService) (problems []string) {
	for _, n := range s.Networks {
		if _, ok := f.Networks[n]; !ok {
			problems = append(problems, "the network "+n+" is not declared")
		}
	}
	for _, v := range s.Volumes {
		source, _, _ := strings.Cut(v, ":")
		if strings.HasPrefix(source, ".") {
			if _, err := os.Stat(filepath.Join(deployDir, source)); err != nil {
				problems = append(problems, "there is no file "+source)
			}
		} else if _, ok := f.Volumes[source]; !ok {
			problems = append(problems, "the volume "+source+" is not declared")
		}
	}
	for other, d := range s.DependsOn {
		if f.Services[other] == nil {
			problems = append(problems, "there is no service "+other)
		}
		if !slices.Contains([]string{"service_started", "service_healthy", "service_completed_successfully"}, d.Condition) {
			problems = append(problems, "unknown condition "+d.Condition)
		}
	}
	for _, p := range s.Ports {
		if strings.Count(p, ":") != 2 {
			problems = append(problems, "the port "+p+" has no address")
		}
	}
	return problems
}

var helpFlag = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--(?:\[no-\])?([a-z-]+)`)

// flagProblems reports flags that our program does not know.
func flagProblems(t *testing.T, s *composeService) (problems []string) {
	t.Helper()
	if s.Image != ours {
		return nil
	}
	command := s.Command[0]
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &environment{nil, &stdout, &stderr}, []string{command, "--help"}); code != exitOK {
		t.Fatalf("rollcall %s --help: exit code %d, %s", command, code, &stderr)
	}
	var known []string
	for _, m := range helpFlag.FindAllStringSubmatch(stdout.String(), -1) {
		known = append(known, m[1])
	}
	for _, arg := range s.Command[1:] {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !slices.Contains(known, name) {
			problems = append(problems, `"rollcall `+command+`" has no flag --`+name)
		}
	}
	return problems
}
