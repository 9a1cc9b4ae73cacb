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

	path    string
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
	{ImportNew, 100, "multiaccount_import of 100 new accounts", multiImport, importForm, fresh, false, ""},
	{Check, 100, "account_check of 100 ids, half of which exist", accountCheck, checkForm, halves, false, `"Imported"`},
	{CheckOne, 1, "account_check of one id, by turns known and unknown", accountCheck, checkForm, halves, false, `"Imported"`},
	{PortraitGet, 100, "portrait_get of Nick and FaceUrl of 100 accounts", portraitGet, portraitForm, stored, false, `"ResultCode":0`},
	{List, 100, "pages of 100 accounts of the admin API", "", form{}, stored, false, ""},
	{ImportUnchanged, 100, "multiaccount_import of 100 accounts as they are stored", multiImport, importForm, stored, false, ""},
	{ImportExisting, 100, "multiaccount_import of 100 stored accounts, with other values each time", multiImport, importForm, stored, true, ""},
	{ImportOne, 1, "account_import of one new account", accountImport, oneForm, fresh, false, ""},
	{Delete, 100, "account_delete of 100 accounts", accountDelete, deleteForm, stored, false, `"ResultCode":0`},
}

const (
	multiImport   = "/v4/im_open_login_svc/multiaccount_import"
	accountImport = "/v4/im_open_login_svc/account_import"
	accountCheck  = "/v4/im_open_login_svc/account_check"
	accountDelete = "/v4/im_open_login_svc/account_delete"
	portraitGet   = "/v4/profile/portrait_get"
)

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
