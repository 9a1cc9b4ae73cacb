package account

// Parts of an app's record other than its settings, for [Fault.Part].
const (
	PartName    = "name"
	PartEdition = "edition"
	PartAdmin   = "admin"
	PartKey     = "key"
)

// A Fault is one thing in an app's record that breaks a rule.
type Fault struct {
	Part   string // a Part constant, "sdkappid", or the name of a setting in JSON
	ID     string // of the key, admin or element of a setting; "" for the part itself
	Detail string // what is wrong and how to correct it; contains no secret

	given  string // the value that breaks the rule; contains no secret
	weight int    // 1, or the length of a list that is too long
}

// faults collects the faults of an app.
type faults []Fault

func (f *faults) add(part, id, given, detail string) {
	*f = append(*f, Fault{Part: part, ID: id, Detail: detail, given: given, weight: 1})
}

func (f *faults) tooMany(part string, n int, detail string) {
	*f = append(*f, Fault{Part: part, Detail: detail, given: "too many", weight: n})
}

// Faults returns everything in a that breaks a rule. The argument commands lists the
// commands that may have a rate limit. A stored record can have faults, because rules
// are added and tightened over time.
func (a *App) Faults(commands []string) []Fault {
	var f faults
	for _, check := range []func(*App, *faults){
		checkIdentity, checkTestOnly, checkAdmins, checkKeys, checkCustomTags, checkLimits, checkIPList, checkModes, checkLogins, checkWords, checkZone,
	} {
		check(a, &f)
	}
	checkRateLimits(a, commands, &f)
	return f
}

// ValidateChange reports whether a may replace before. A fault that before already has
// does not refuse a: the rule may be newer than the record, and the rest of the record
// must remain changeable. A list that is too long may become shorter step by step. The
// argument commands lists the commands that may have a rate limit. The error has Code
// [InvalidApp] and says what to correct.
func (a *App) ValidateChange(before *App, commands []string) error {
	return refuse(a.Faults(commands), before.Faults(commands))
}

// refuse returns an error for the first fault of found that is not among known.
func refuse(found, known []Fault) error {
	left := map[Fault]int{}
	for _, f := range known {
		left[f.cause()] += f.weight
	}
	for _, f := range found {
		if left[f.cause()] < f.weight {
			return &Error{Code: InvalidApp, Detail: f.Detail}
		}
		left[f.cause()] -= f.weight
	}
	return nil
}

// cause returns f without the details that may change without making the record worse:
// the place in a list and the length of a list.
func (f Fault) cause() Fault { return Fault{Part: f.Part, ID: f.ID, given: f.given} }
