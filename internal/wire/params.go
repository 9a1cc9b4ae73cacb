package wire

import (
	"fmt"
	"slices"
	"strings"
)

// otherNames are names that people give the parameters of the URL.
var otherNames = map[string]string{"sdkappid": "appid", "identifier": "userid", "usersig": "sig"}

// MaxParams is the most parameters of a URL that [ExplainMissing] looks at.
const MaxParams = 64

// ExplainMissing says that the URL lacks a parameter, and which of the names in
// its query was meant for it, or else how to cure that. It looks at the
// first [MaxParams] names. The sentence is printable ASCII of a bounded length, although a name may
// be any bytes of any length.
func ExplainMissing(names []string, name, cure string) string {
	missing := name + " is missing in the URL"
	names = names[:min(len(names), MaxParams)]
	if slices.Contains(names, "amp;"+name) {
		return missing + ", and amp;" + name + " was found: write & and not the &amp; of HTML"
	}
	names = slices.DeleteFunc(slices.Clone(names), func(found string) bool { return meansOther(found, name) })
	if found, _ := closest(names, name, otherNames[name]); found != "" {
		return fmt.Sprintf("%s, and %s was found; write %s", missing, keyName(found), name)
	}
	return missing + "; " + cure
}

// meansOther reports whether a name in the query is that of another parameter
// than name.
func meansOther(found, name string) bool {
	found = squeeze(found)
	for param, other := range otherNames {
		if param != name && (found == param || found == other) {
			return true
		}
	}
	return found == "random" || found == "contenttype" || strings.HasPrefix(found, "amp;")
}
