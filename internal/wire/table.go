package wire

import (
	"slices"
	"strings"
)

// Retry says whether repeating a call can help (protocol.md §1.5).
type Retry string

// Kinds of retry.
const (
	RetryNo   Retry = ""     // fix the request first
	RetryYes  Retry = "yes"  // repeat as it is
	RetrySlow Retry = "slow" // lower the rate, then repeat
	RetrySig  Retry = "sig"  // repeat with a newly signed UserSig
)

// A Row is what is known of one code.
type Row struct {
	Code Code

	// Text is the ErrorInfo. An exact text was recorded, whole or in the part that
	// clients search for, from the vendor's documents and from captures. It never
	// varies but in numbers, for which N stands. The other texts are Rollcall's, and
	// a more precise sentence may replace them.
	Text  string
	Exact bool

	Advice     string // what to do, one sentence
	Retry      Retry
	VendorOnly bool // Rollcall does not answer it in normal service
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
// detail, where more is known of the fault than its code says, comes before. An
// end of the detail that says what the remedy says is left out.
func Advice(c Code, detail string) string {
	remedy := Lookup(c).Advice
	if detail == "" {
		return remedy
	}
	if before, last, ok := cutLast(detail, "; "); ok && repeats(last, remedy) {
		detail = before
	} else if before, last, ok := cutLast(detail, " and "); ok && strings.EqualFold(last+".", remedy) {
		detail = before
	}
	return sentence(detail) + " " + remedy
}

// cutLast cuts a text around the last separator.
func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i <= 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// repeats reports whether the end of a detail says nothing that the remedy does not
// say: each of its words begins one of the remedy's.
func repeats(end, remedy string) bool {
	words := strings.Fields(strings.ToLower(remedy))
	for word := range strings.FieldsSeq(strings.ToLower(end)) {
		begins := func(w string) bool { return strings.HasPrefix(w, word) }
		if word != "a" && word != "an" && word != "it" && !slices.ContainsFunc(words, begins) {
			return false
		}
	}
	return true
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
	return strings.ContainsAny(word, "_/") || otherNames[word] != "" || isService(word) || CommandNamed(word) != nil
}
