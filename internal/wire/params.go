package wire

import (
	"fmt"
	"slices"
	"strings"
)

// paramAliases are other names that people use for the parameters of the URL.
var paramAliases = map[string]string{"sdkappid": "appid", "identifier": "userid", "usersig": "sig"}

// MaxParams is the number of parameters of a URL that [ExplainMissing] looks
// at.
const MaxParams = 64

// ExplainMissing says that the URL lacks the parameter name. If one of names,
// which are those of the query, was probably meant for it, the sentence says
// which one. Otherwise the sentence ends with cure. Only the first [MaxParams]
// names are looked at. The sentence is printable ASCII of bounded length,
// although names may be any bytes of any length.
func ExplainMissing(names []string, name, cure string) string {
	missing := name + " is missing in the URL"
	names = names[:min(len(names), MaxParams)]
	if slices.Contains(names, "amp;"+name) {
		return missing + ", and amp;" + name + " was found: write & and not the &amp; of HTML"
	}
	names = slices.DeleteFunc(slices.Clone(names), func(found string) bool { return isOtherParam(found, name) })
	if found, _ := closest(names, name, paramAliases[name]); found != "" {
		return fmt.Sprintf("%s, and %s was found; write %s", missing, keyName(found), name)
	}
	return missing + "; " + cure
}

// isOtherParam reports whether found, a name in the query, means another
// parameter than name.
func isOtherParam(found, name string) bool {
	found = normalize(found)
	for param, other := range paramAliases {
		if param != name && (found == param || found == other) {
			return true
		}
	}
	return found == "random" || found == "contenttype" || strings.HasPrefix(found, "amp;")
}
