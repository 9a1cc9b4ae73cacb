package loadgen

import (
	"slices"
	"strings"
)

// Names of workloads.
const (
	ImportNew       = "import-100-new"
	ImportExisting  = "import-100-existing"
	ImportUnchanged = "import-100-unchanged"
	ImportOne       = "import-1"
	Check           = "check-100"
	CheckOne        = "check-1"
	Delete          = "delete-100"
	PortraitGet     = "portrait-get-100"
	List            = "list"
)

// A Workload is a kind of call, made again and again.
type Workload struct {
	Name  string
	Batch int    // accounts in a call
	About string // in a few words

	command string // of the account protocol; "" for the admin API
	form    form
	source  source
	changed bool // values differ in every call

	// marker stands in an answer as often as there are accounts that were
	// found, accepted or deleted; "" if it cannot be told.
	marker string
}

// A source says which accounts calls name.
type source int

const (
	fresh  source = iota // each number once, from the number of accounts on
	stored               // those that exist
	halves               // by turns one that exists and one that never will
)

// workloads are all there are, in the order in which they are best run: later
// ones disturb earlier ones.
var workloads = []Workload{
	{
		Name: ImportNew, Batch: 100, About: "multiaccount_import of 100 new accounts",
		command: "multiaccount_import", form: importForm, source: fresh,
	},
	{
		Name: Check, Batch: 100, About: "account_check of 100 ids, half of which exist",
		command: "account_check", form: checkForm, source: halves, marker: `"Imported"`,
	},
	{
		Name: CheckOne, Batch: 1, About: "account_check of one id, by turns known and unknown",
		command: "account_check", form: checkForm, source: halves, marker: `"Imported"`,
	},
	{
		Name: PortraitGet, Batch: 100, About: "portrait_get of Nick and FaceUrl of 100 accounts",
		command: "portrait_get", form: portraitForm, source: stored, marker: `"ResultCode":0`,
	},
	{Name: List, Batch: 100, About: "pages of 100 accounts of the admin API", source: stored},
	{
		Name: ImportUnchanged, Batch: 100, About: "multiaccount_import of 100 accounts as they are stored",
		command: "multiaccount_import", form: importForm, source: stored,
	},
	{
		Name: ImportExisting, Batch: 100, About: "multiaccount_import of 100 stored accounts, with other values each time",
		command: "multiaccount_import", form: importForm, source: stored, changed: true,
	},
	{
		Name: ImportOne, Batch: 1, About: "account_import of one new account",
		command: "account_import", form: oneForm, source: fresh,
	},
	{
		Name: Delete, Batch: 100, About: "account_delete of 100 accounts",
		command: "account_delete", form: deleteForm, source: stored, marker: `"ResultCode":0`,
	},
}

// Workloads returns all workloads, in an order in which none spoils what a
// later one needs.
func Workloads() []Workload { return slices.Clone(workloads) }

// Find returns the workload of that name.
func Find(name string) (Workload, bool) {
	for _, w := range workloads {
		if w.Name == name {
			return w, true
		}
	}
	return Workload{}, false
}

// Names returns the names of all workloads, for people.
func Names() string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}

// found returns how many accounts of call number c must be found.
func (w *Workload) found(c int64) int {
	if w.source != halves {
		return w.Batch
	}
	if w.Batch%2 == 0 {
		return w.Batch / 2
	}
	return int(c+1) & 1
}
