package wire

import (
	"slices"
	"strings"
)

// Retry says whether repeating a call can help (protocol.md §1.5).
type Retry string

// Kinds of retry.
const (
	RetryNo   Retry = "no"   // fix the request first
	RetryYes  Retry = "yes"  // repeat as it is
	RetrySlow Retry = "slow" // lower the rate, then repeat
	RetrySig  Retry = "sig"  // repeat with a newly signed UserSig
)

// A Row is what is known of one code.
type Row struct {
	Code Code

	// Text is the ErrorInfo. Exact texts were recorded, whole or in the part
	// that clients search for, from the vendor's documents and from captures;
	// they never vary but in numbers, for which N stands. The others are ours,
	// and a more precise sentence may stand in their place.
	Text  string
	Exact bool

	Advice string // what to do, one sentence
	Retry  Retry
	Source string // where the code is documented
	Sent   bool   // Rollcall answers it in normal service
}

// Lookup returns the row of c. The zero Row stands for an unknown code.
func Lookup(c Code) Row {
	i, ok := slices.BinarySearchFunc(Table, c, func(r Row, c Code) int { return int(r.Code) - int(c) })
	if !ok {
		return Row{}
	}
	return Table[i]
}

// Info returns the ErrorInfo of c: the recorded text where there is one, else
// detail, else our own sentence. A byte of detail that is not UTF-8 becomes a
// question mark: an answer with it would not encode, and its code would be lost.
func Info(c Code, detail string) string {
	row := Lookup(c)
	if row.Exact || detail == "" {
		return row.Text
	}
	return strings.ToValidUTF8(detail, "?")
}

// Advice returns what to do about c. The remedy of the row always ends it; a
// detail, where more is known of the fault than its code says, comes before.
func Advice(c Code, detail string) string {
	remedy := Lookup(c).Advice
	if detail == "" {
		return remedy
	}
	return sentence(detail) + " " + remedy
}

// sentence makes a detail, which is lower case and has no full stop, a
// sentence. Names of the protocol keep their case.
func sentence(detail string) string {
	if first, _, _ := strings.Cut(detail, " "); !isName(strings.TrimRight(first, ",:;")) {
		detail = strings.ToUpper(detail[:1]) + detail[1:]
	}
	if !strings.ContainsAny(detail[len(detail)-1:], ".!?") {
		detail += "."
	}
	return detail
}

// isName reports whether a word is a name of the protocol, or a path.
func isName(word string) bool {
	return strings.ContainsAny(word, "_/") || otherNames[word] != "" || isService(word) ||
		slices.ContainsFunc(Commands, func(c Command) bool { return c.Name == word })
}
