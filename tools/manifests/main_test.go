package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const dir = "../../deploy/kubernetes"

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestManifests checks the manifests of this repository.
func TestManifests(t *testing.T) {
	for _, name := range []string{"embedded.yaml", "postgres.yaml"} {
		for _, problem := range problems([]byte(read(t, name))) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// TestProblems spoils the manifests in many ways. Each is found.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"embedded.yaml", "replicas: 1", "replica: 1", `unknown field "replica"`},
		{"embedded.yaml", "replicas: 1", "replicas: one", "cannot unmarshal string"},
		{"embedded.yaml", "  serviceName: rollcall\n", "  serviceName: rollcall\n  serviceName: rollcall\n", "already set"},
		{"embedded.yaml", "apps/v1", "apps/v1beta1", `the kind "apps/v1beta1 StatefulSet" is not known`},
		{"embedded.yaml", "  name: rollcall\n  labels", "  name: Rollcall\n  labels", `the name "Rollcall"`},
		{"embedded.yaml", "selector: {app.kubernetes.io/name: rollcall}", "selector: {app.kubernetes.io/name: roll}", "selects no pods"},
		{"embedded.yaml", "targetPort: api", "targetPort: http", `has the port "http"`},
		{"embedded.yaml", "matchLabels: {app.kubernetes.io/name: rollcall}", "matchLabels: {app: rollcall}", "the selector does not match"},
		{"embedded.yaml", "{name: tls, mountPath", "{name: cert, mountPath", `the volume "cert" does not exist`},
		{"embedded.yaml", "configMap: {name: rollcall}", "configMap: {name: settings}", `there is no ConfigMap "settings"`},
		{"embedded.yaml", "path: /readyz, port: api", "path: /readyz, port: admin", "a probe calls no port"},
		{"embedded.yaml", "readinessProbe", "livenessProbe", "already set"},
		{"embedded.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"},
		{"embedded.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "write to its image"},
		{"embedded.yaml", "limits: {memory: 2Gi}", "limits: {cpu: 2}", "no limit of memory"},
		{"embedded.yaml", "memory: 2Gi", "memory: 2GB", "quantities must match"},
		{"postgres.yaml", "  minAvailable: 1\n  selector:\n    matchLabels: {app.kubernetes.io/name: rollcall}", "  minAvailable: 1\n  selector:\n    matchLabels: {app.kubernetes.io/name: roll}", "the disruption budget rollcall selects no pods"},
	} {
		text := read(t, c.file)
		changed := strings.ReplaceAll(text, c.old, c.new)
		if changed == text {
			t.Errorf("%s does not contain %q", c.file, c.old)
		}
		if got := strings.Join(problems([]byte(changed)), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("with %q: problems %q, want %q", c.new, got, c.want)
		}
	}
}
