package main

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// check checks the names that lead from one object to another.
func (m *manifests) check() {
	for _, w := range m.workloads {
		m.checkWorkload(w)
	}
	for _, s := range m.services {
		w := m.selected(labels.SelectorFromSet(s.Spec.Selector))
		if w == nil {
			m.problem("the service %s selects no pods", s.Name)
			continue
		}
		for _, p := range s.Spec.Ports {
			if !hasPort(w.template, p.TargetPort.StrVal) {
				m.problem("the service %s: no container has the port %q", s.Name, p.TargetPort.String())
			}
		}
	}
	for _, b := range m.budgets {
		if s, err := metav1.LabelSelectorAsSelector(b.Spec.Selector); err != nil || m.selected(s) == nil {
			m.problem("the disruption budget %s selects no pods", b.Name)
		}
	}
}

func (m *manifests) problem(format string, args ...any) {
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

// selected returns the workload whose pods a selector matches, or nil.
func (m *manifests) selected(s labels.Selector) *workload {
	i := slices.IndexFunc(m.workloads, func(w workload) bool { return s.Matches(labels.Set(w.template.Labels)) })
	if i < 0 {
		return nil
	}
	return &m.workloads[i]
}

func hasPort(t corev1.PodTemplateSpec, name string) bool {
	return slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
	})
}

func (m *manifests) checkWorkload(w workload) {
	if w.selector != nil {
		if s, err := metav1.LabelSelectorAsSelector(w.selector); err != nil || !s.Matches(labels.Set(w.template.Labels)) {
			m.problem("%s: the selector does not match the labels of its pods", w.name)
		}
	}
	volumes := slices.Clone(w.claims)
	for _, v := range w.template.Spec.Volumes {
		volumes = append(volumes, v.Name)
		if v.ConfigMap != nil && !m.configs[v.ConfigMap.Name] {
			m.problem("%s: there is no ConfigMap %q", w.name, v.ConfigMap.Name)
		}
	}
	pod := w.template.Spec.SecurityContext
	if pod == nil || pod.RunAsNonRoot == nil || !*pod.RunAsNonRoot || pod.SeccompProfile == nil {
		m.problem("%s: the pod may run as root, or has no seccomp profile", w.name)
	}
	for _, c := range w.template.Spec.Containers {
		m.checkContainer(w, c, volumes)
	}
}

func (m *manifests) checkContainer(w workload, c corev1.Container, volumes []string) {
	for _, v := range c.VolumeMounts {
		if !slices.Contains(volumes, v.Name) {
			m.problem("%s: the volume %q does not exist", w.name, v.Name)
		}
	}
	for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		switch {
		case p == nil && w.selector != nil:
			m.problem("%s: a probe is missing", w.name)
		case p != nil && (p.HTTPGet == nil || !hasPort(w.template, p.HTTPGet.Port.StrVal)):
			m.problem("%s: a probe calls no port of a container", w.name)
		}
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		m.problem("%s: a container has no limit of memory or requests no processor", w.name)
	}
	s := c.SecurityContext
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
		s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
		m.problem("%s: a container can gain rights, write to its image, or has capabilities", w.name)
	}
}
