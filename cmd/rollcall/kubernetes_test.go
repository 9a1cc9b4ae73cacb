package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/testutil"
)

// A manifest is the part of an object of Kubernetes that concerns our program. The tool
// manifests checks the rest.
type manifest struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Args []string `yaml:"args"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// readManifests returns the objects of a file below deploy/kubernetes.
func readManifests(t *testing.T, name string) (all []manifest) {
	t.Helper()
	f, err := os.Open(filepath.Join(deployDir, "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for d := yaml.NewDecoder(f); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// TestKubernetes checks that our program knows the flags of the manifests, that their settings
// have no mistake and make no developer's server, and that the time for the end is enough.
func TestKubernetes(t *testing.T) {
	for _, name := range []string{"embedded.yaml", "postgres.yaml"} {
		t.Run(name, func(t *testing.T) {
			var cfg *config.Loaded
			containers := 0
			for _, m := range readManifests(t, name) {
				if text := m.Data["rollcall.yml"]; text != "" {
					cfg = loadMounted(t, text)
				}
				for _, c := range m.Spec.Template.Spec.Containers {
					containers++
					for _, problem := range flagProblems(t, &composeService{Image: ours, Command: c.Args}) {
						t.Error(problem)
					}
					if need := cfg.Drain + cfg.ShutdownTimeout + 5e9; c.Args[0] == "serve" && float64(m.Spec.Template.Spec.Grace) < need.Seconds() {
						t.Errorf("terminationGracePeriodSeconds is %d, and the server needs %v", m.Spec.Template.Spec.Grace, need)
					}
				}
			}
			if cfg == nil || containers == 0 {
				t.Fatal("no settings or no containers")
			}
			if cfg.Developer() || *cfg.AllowTestApps || cfg.InsecureListen {
				t.Errorf("the settings are those of a developer's server: %+v", cfg.Config)
			}
		})
	}
}

// loadMounted loads settings with every directory of a volume below a temporary one, where
// the files are that the volumes contain.
func loadMounted(t *testing.T, text string) *config.Loaded {
	t.Helper()
	dir := t.TempDir()
	cert, key := testutil.Certificate(t)
	for file, content := range map[string]string{
		"tls/tls.crt": string(cert), "tls/tls.key": string(key), "postgres/ca.crt": string(cert), "keys/admin.token": directory.NewTokenText(), "keys/seal.keys": "", "data/none": "",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, mount := range []string{"/data/", "/tls/", "/keys/", "/postgres/"} {
		text = strings.ReplaceAll(text, ": "+mount, ": "+dir+mount)
		text = strings.ReplaceAll(text, "="+mount, "="+dir+mount)
	}
	file := filepath.Join(dir, "rollcall.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := loadConfig(config.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
