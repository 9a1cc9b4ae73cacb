// Command manifests checks manifests for Kubernetes without a cluster and without a network:
// each document is decoded strictly into the types of the API, and the names in it must lead
// somewhere.
//
//	manifests DIR
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manifests DIR")
		os.Exit(2)
	}
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.yaml"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no manifests", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
	failed := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "manifests:", err)
			os.Exit(1)
		}
		for _, problem := range problems(text) {
			failed = true
			fmt.Printf("%s: %s\n", file, problem)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// A workload is a kind with pods.
type workload struct {
	name     string
	selector *metav1.LabelSelector // nil for a job
	template corev1.PodTemplateSpec
	claims   []string // names of the volumes of its claims
}

// manifests are the objects of one file.
type manifests struct {
	workloads []workload
	services  []corev1.Service
	budgets   []policyv1.PodDisruptionBudget
	configs   map[string]bool
	problems  []string
}

// problems returns what is wrong in the documents of a file.
func problems(text []byte) []string {
	m := &manifests{configs: map[string]bool{}}
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	buffer := make([]byte, len(text)+1)
	for {
		n, err := documents.Read(buffer)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = m.add(bytes.Clone(buffer[:n]))
		}
		if err != nil {
			m.problems = append(m.problems, err.Error())
			return m.problems
		}
	}
	m.check()
	return m.problems
}

// add decodes a document.
func (m *manifests) add(text []byte) error {
	var meta metav1.TypeMeta
	if err := strict.Unmarshal(text, &meta); err != nil {
		return err
	}
	kind := meta.APIVersion + " " + meta.Kind
	switch kind {
	case "v1 ConfigMap":
		var o corev1.ConfigMap
		err := m.decode(text, &o, &o.ObjectMeta)
		m.configs[o.Name] = true
		return err
	case "v1 Service":
		var o corev1.Service
		err := m.decode(text, &o, &o.ObjectMeta)
		m.services = append(m.services, o)
		return err
	case "policy/v1 PodDisruptionBudget":
		var o policyv1.PodDisruptionBudget
		err := m.decode(text, &o, &o.ObjectMeta)
		m.budgets = append(m.budgets, o)
		return err
	case "batch/v1 Job":
		var o batchv1.Job
		err := m.decode(text, &o, &o.ObjectMeta)
		m.workloads = append(m.workloads, workload{name: kind, template: o.Spec.Template})
		return err
	case "apps/v1 Deployment":
		var o appsv1.Deployment
		err := m.decode(text, &o, &o.ObjectMeta)
		m.workloads = append(m.workloads, workload{name: kind, selector: o.Spec.Selector, template: o.Spec.Template})
		return err
	case "apps/v1 StatefulSet":
		var o appsv1.StatefulSet
		err := m.decode(text, &o, &o.ObjectMeta)
		w := workload{name: kind, selector: o.Spec.Selector, template: o.Spec.Template}
		for _, c := range o.Spec.VolumeClaimTemplates {
			w.claims = append(w.claims, c.Name)
		}
		m.workloads = append(m.workloads, w)
		return err
	}
	return fmt.Errorf("the kind %q is not known here: add it to the checks", kind)
}

// decode refuses fields that the type does not have and fields that are given twice.
func (m *manifests) decode(text []byte, o any, meta *metav1.ObjectMeta) error {
	if err := strict.UnmarshalStrict(text, o); err != nil {
		return err
	}
	for _, text := range validation.IsDNS1123Label(meta.Name) {
		m.problems = append(m.problems, fmt.Sprintf("the name %q: %s", meta.Name, text))
	}
	return nil
}
