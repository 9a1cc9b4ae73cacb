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
	LoginOne        = "login-1"
	DeviceOne       = "device-1"
	Devices         = "device-250"
	Status          = "status-500"
)

// A Workload is a kind of call that is made repeatedly.
type Workload struct {
	Name  string
	Batch int    // number of accounts in a call
	About string // short description

	command string // command of the account protocol; "" for the admin API
	admin   string // end of the path of the admin API below that of the app; "" for a command
	form    form
	source  source
	changed bool // whether values differ in every call

	// marker is a text that a response contains once for each account that was
	// found, accepted or deleted. It is "" if there is no such text.
	marker string
}

// A source says which accounts the calls use.
type source int

const (
	fresh  source = iota // new numbers, from the number of accounts on
	stored               // existing accounts
	halves               // alternately an existing account and one that never exists
)

// workloads are all workloads in the best order to run them: later ones change
// the data that earlier ones need.
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
		Name: LoginOne, Batch: 1, About: "a login of a virtual device of a stored account, for a test app",
		admin: "/devices:login", form: loginForm, source: stored, marker: `{"device":{"id":`,
	},
	{
		Name: DeviceOne, Batch: 1, About: "a report of one device of a stored account, which logs in at first",
		admin: "/devices:report", form: reportForm, source: stored, marker: `{"userid":"`,
	},
	{
		Name: Devices, Batch: 250, About: "reports of devices of 250 stored accounts, which log in at first",
		admin: "/devices:report", form: reportForm, source: stored, marker: `{"userid":"`,
	},
	{
		Name: Status, Batch: 500, About: "query_online_status of 500 accounts, each of which has a device online",
		command: "query_online_status", form: statusForm, source: stored, marker: `"Status":"Online"`,
	},
	{
		Name: Delete, Batch: 100, About: "account_delete of 100 accounts",
		command: "account_delete", form: deleteForm, source: stored, marker: `"ResultCode":0`,
	},
}

// Workloads returns all workloads, in an order in which no workload changes the
// data that a later one needs.
func Workloads() []Workload { return slices.Clone(workloads) }

// Find returns the workload with that name.
func Find(name string) (Workload, bool) {
	for _, w := range workloads {
		if w.Name == name {
			return w, true
		}
	}
	return Workload{}, false
}

// NeedsToken reports whether w calls the admin API, with a token of it.
func (w *Workload) NeedsToken() bool { return w.command == "" }

// Names returns the names of all workloads in one line of text.
func Names() string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}

// found returns the number of accounts that call number c must find.
func (w *Workload) found(c int64) int {
	if w.source != halves {
		return w.Batch
	}
	if w.Batch%2 == 0 {
		return w.Batch / 2
	}
	return int(c+1) & 1
}
