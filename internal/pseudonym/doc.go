// Package pseudonym replaces texts by others of the same length and kind, so that a
// recording of calls can be given to others without the names in it.
//
// A pseudonym has as many bytes and as many characters as its original. Each letter and
// digit becomes one of its kind: of the same script, case and number of bytes. What has
// a meaning of its own stays in its place: punctuation, spaces, control characters, the
// scheme of a URL, and a prefix such as "@TLS#". Whoever sees a pseudonym therefore
// knows the length and the form of the original, and nothing else.
//
// With one [Key], equal texts have equal pseudonyms, and different texts have different
// ones. No pseudonym equals its original, unless it has no letter and no digit. Without
// the key, which a recording throws away, nobody can compute or revert them.
package pseudonym
