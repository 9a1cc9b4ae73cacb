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

// unserved maps services and commands of the vendor that Rollcall does not
// serve to what they do. The command "-" stands for the service itself.
var unserved = sync.OnceValue(func() map[string]map[string]string {
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

// unservedServices are the services of [unserved] in order.
var unservedServices = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(unserved())) })

// IsVendorPath reports whether a path was meant for the vendor's protocol. Such
// a path begins, after any number of slashes, with a version or with a service
// of the vendor.
func IsVendorPath(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return isVersion(first) || isService(first)
}

func isVersion(segment string) bool {
	number, ok := strings.CutPrefix(segment, "v")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

func isService(name string) bool {
	return unserved()[name] != nil || slices.ContainsFunc(Commands, func(c Command) bool { return c.Service == name })
}

// ExplainPath says why an escaped path has no command. It names the command
// that was probably meant, or says what the vendor's command does that is not
// served here. It returns "" if nothing is known or if the path is longer than
// 256 bytes. The sentence is bounded like that of [Diagnose].
func ExplainPath(escaped string) string {
	const longest = 256 // anyone can send a path, and a path with a typing error is shorter
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
	if c, d := closestCommand(parts[0], parts[1]); d == 0 {
		return "the path goes on after the command; call " + c.Path()
	}
	return ""
}

// explainOne explains a path with one segment after the version.
func explainOne(name string) string {
	if c, d := closestCommand("", name); d == 0 {
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

// explainTwo explains a path with two segments after the version.
func explainTwo(path, service, command string) string {
	c, d := closestCommand(service, command)
	if d == 0 {
		return misspelt(path, service, command, c)
	}
	if does := unserved()[service][command]; does != "" {
		return fmt.Sprintf("%s/%s %s; Rollcall serves accounts alone", service, command, does)
	}
	for _, other := range unservedServices() {
		if does := unserved()[other][command]; does != "" && command != "-" {
			return fmt.Sprintf("%s of %s %s; Rollcall serves accounts alone", command, other, does)
		}
	}
	if c != nil {
		return fmt.Sprintf("there is no command %s; did you mean %s?", keyName(command), c.Path())
	}
	return explainService(service)
}

// misspelt explains a path that names c in a wrong form.
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
	if does := unserved()[name]["-"]; does != "" {
		return fmt.Sprintf("the vendor's service %s %s; Rollcall serves accounts alone", name, does)
	}
	return ""
}

// closestCommand returns the command whose name is closest to command, and the
// [distance] between the two names. If several are equally close, it prefers
// one of the given service. It returns nil and tooFar if none is close.
func closestCommand(service, command string) (found *Command, least int) {
	least = tooFar
	ordered := ""
	if len(command) <= 64 { // anyone can send a longer one, which is not close to any name
		ordered = sortWords(command)
	}
	written, reordered := spelt(command), spelt(ordered)
	for i, c := range Commands {
		d := min(written.distance(commandNames[i]), reordered.distance(sortedNames[i]))
		if d < least || d == least && d < tooFar && c.Service == service {
			found, least = &Commands[i], d
		}
	}
	return found, least
}

// commandNames are the names of [Commands], and sortedNames those with their words
// sorted.
var commandNames, sortedNames = func() (names, sorted []spelled) {
	for _, c := range Commands {
		names = append(names, spelt(c.Name))
		sorted = append(sorted, spelt(sortWords(c.Name)))
	}
	return names, sorted
}()

// sortWords sorts the words of a name, because import_account means
// account_import.
func sortWords(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' })
	slices.Sort(words)
	return strings.Join(words, "_")
}
