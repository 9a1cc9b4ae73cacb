package wire

import (
	"slices"
	"strings"
)

// A Retry says whether retrying a call can help (protocol.md §1.5).
type Retry string

// Kinds of retry.
const (
	RetryNo   Retry = ""     // fix the request first
	RetryYes  Retry = "yes"  // retry unchanged
	RetrySlow Retry = "slow" // lower the rate, then retry
	RetrySig  Retry = "sig"  // retry with a newly signed UserSig
)

// A Row describes one code.
type Row struct {
	Code Code

	// Text is the ErrorInfo. An exact text was recorded from the vendor's
	// documents and from captures, either whole or the part that clients search
	// for. Only its numbers vary, and N stands for them. The other texts are
	// Rollcall's own, and a more specific sentence may replace them.
	Text  string
	Exact bool

	Advice     string // what to do, in one sentence
	Retry      Retry
	VendorOnly bool // only the vendor sends it, not Rollcall
}

// Lookup returns the row of c, or the zero Row if c is unknown.
func Lookup(c Code) Row {
	i, ok := slices.BinarySearchFunc(Table, c, func(r Row, c Code) int { return int(r.Code) - int(c) })
	if !ok {
		return Row{}
	}
	return Table[i]
}

// Info returns the ErrorInfo of c. That is the recorded text if there is one,
// otherwise detail, otherwise Rollcall's own sentence. Each byte of detail that
// is not UTF-8 becomes a question mark, because the response could not be
// encoded with it and the code would be lost.
func Info(c Code, detail string) string {
	row := Lookup(c)
	if row.Exact || detail == "" {
		return row.Text
	}
	return strings.ToValidUTF8(detail, "?")
}

// Advice returns what to do about c. It always ends with the remedy of the row.
// The detail, which says more about the failure than its code, comes first. If
// the end of the detail says the same as the remedy, that end is left out.
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

// cutLast cuts text around the last occurrence of separator.
func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i <= 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// repeats reports whether end, the last part of a detail, adds nothing to
// remedy. That is the case if each of its words is the beginning of a word of
// the remedy.
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

// sentence turns detail, which begins in lower case and has no full stop, into
// a sentence. Names of the protocol keep their case.
func sentence(detail string) string {
	if first, _, _ := strings.Cut(detail, " "); !isName(strings.TrimRight(first, ",:;")) {
		detail = strings.ToUpper(detail[:1]) + detail[1:]
	}
	if !strings.ContainsAny(detail[len(detail)-1:], ".!?") {
		detail += "."
	}
	return detail
}

// isName reports whether word is a path or a name of the protocol.
func isName(word string) bool {
	return strings.ContainsAny(word, "_/") || paramAliases[word] != "" || isService(word) || CommandNamed(word) != nil
}
