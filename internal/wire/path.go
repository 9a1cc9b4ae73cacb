package wire

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:embed vendor_commands.txt
var vendorCommands string

// elsewhere says what commands of the vendor do that are not served here, by
// service and command. The command "-" stands for the service.
var elsewhere = sync.OnceValue(func() map[string]map[string]string {
	services := map[string]map[string]string{}
	for line := range strings.Lines(vendorCommands) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
			if services[f[0]] == nil {
				services[f[0]] = map[string]string{}
			}
			services[f[0]][f[1]] = f[2]
		}
	}
	return services
})

// servicesElsewhere are the services of [elsewhere] in order.
var servicesElsewhere = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(elsewhere())) })

// IsVendorPath reports whether a path was meant for the vendor's protocol: it
// begins, after any number of slashes, with a version or a service of the
// vendor's.
func IsVendorPath(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return isVersion(first) || isService(first)
}

func isVersion(segment string) bool {
	number, ok := strings.CutPrefix(segment, "v")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

func isService(name string) bool {
	return elsewhere()[name] != nil || slices.ContainsFunc(Commands, func(c Command) bool { return c.Service == name })
}

// ExplainPath says why no command is served under an escaped path: which one was
// meant, or what the vendor's command does that is not served here. It returns
// "" if nothing is known, or the path is much too long. The sentence is bounded as
// that of [Diagnose] is.
func ExplainPath(escaped string) string {
	const longest = 256 // anybody may send a path: look at no more than a typing error takes
	if len(escaped) > longest {
		return ""
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) > 0 && isVersion(parts[0]) {
		parts = parts[1:]
	}
	switch len(parts) {
	case 0:
		return "the path names no service and no command"
	case 1:
		return explainOne(parts[0])
	case 2:
		return explainTwo(path, parts[0], parts[1])
	}
	if c, d := meant(parts[0], parts[1]); d == 0 {
		return "the path goes on after the command; call " + c.Path()
	}
	return ""
}

// explainOne explains a path with one name after the version.
func explainOne(name string) string {
	if c, d := meant("", name); d == 0 {
		return "the path lacks the service; call " + c.Path()
	}
	var names []string
	for _, c := range Commands {
		if c.Service == name {
			names = append(names, c.Name)
		}
	}
	if len(names) > 0 {
		return fmt.Sprintf("the path names no command of %s; it has %s", name, enumerate(names))
	}
	return explainService(name)
}

// explainTwo explains a path with two names after the version.
func explainTwo(path, service, command string) string {
	c, d := meant(service, command)
	if d == 0 {
		return misspelt(path, service, command, c)
	}
	if does := elsewhere()[service][command]; does != "" {
		return fmt.Sprintf("%s/%s %s; Rollcall serves accounts alone", service, command, does)
	}
	for _, other := range servicesElsewhere() {
		if does := elsewhere()[other][command]; does != "" && command != "-" {
			return fmt.Sprintf("%s of %s %s; Rollcall serves accounts alone", command, other, does)
		}
	}
	if c != nil {
		return fmt.Sprintf("there is no command %s; did you mean %s?", keyName(command), c.Path())
	}
	return explainService(service)
}

// misspelt explains a path that is c's but for its form.
func misspelt(path, service, command string, c *Command) string {
	switch {
	case service == c.Service && command == c.Name && (strings.Contains(path, "//") || strings.HasSuffix(path, "/")):
		return "the path has a slash too many; call " + c.Path()
	case service == c.Service && command == c.Name && !strings.Contains(path, Prefix):
		if first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/"); !isVersion(first) {
			return "/v4 is missing in the path; call " + c.Path()
		}
		return "the version in the path is not v4; call " + c.Path()
	case service == c.Service && command == c.Name:
		return "the path is escaped where it need not be; call " + c.Path()
	case strings.EqualFold(service, c.Service) && strings.EqualFold(command, c.Name):
		return "paths are case-sensitive; call " + c.Path()
	case service != c.Service && command == c.Name:
		return fmt.Sprintf("%s is a command of %s; call %s", command, c.Service, c.Path())
	}
	return fmt.Sprintf("there is no command %s; did you mean %s?", keyName(command), c.Path())
}

func explainService(name string) string {
	if does := elsewhere()[name]["-"]; does != "" {
		return fmt.Sprintf("the vendor's service %s %s; Rollcall serves accounts alone", name, does)
	}
	return ""
}

// meant returns the command whose name is closest to one in a path, of those the
// one of the same service first, and the [gap] between the names. It returns nil
// and tooFar if none is close.
func meant(service, command string) (found *Command, least int) {
	least = tooFar
	ordered := ""
	if len(command) <= 64 { // anybody may send a longer one, which is close to no name
		ordered = inOrder(command)
	}
	for i, c := range Commands {
		d := min(gap(command, c.Name), gap(ordered, namesInOrder[i]))
		if d < least || d == least && d < tooFar && c.Service == service {
			found, least = &Commands[i], d
		}
	}
	return found, least
}

// namesInOrder are the names of [Commands], each with its words in order.
var namesInOrder = func() (names []string) {
	for _, c := range Commands {
		names = append(names, inOrder(c.Name))
	}
	return names
}()

// inOrder sorts the words of a name: import_account means account_import.
func inOrder(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' })
	slices.Sort(words)
	return strings.Join(words, "_")
}
