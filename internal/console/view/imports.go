package view

import (
	"slices"
	"strconv"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
)

// ImportList is what the list of imports shows.
type ImportList struct {
	Page   adminapi.ImportPage
	Read   admin.Request
	Upload *Form // is sent in parts
	Create *Form // from a file of the server
}

// OneImport is what the page of one import shows.
type OneImport struct {
	Import       *adminapi.Import
	Read         admin.Request
	Rejected     adminapi.ImportRejectionPage
	ReadRejected admin.Request
	Pause        *Form
	Resume       *Form
	Cancel       *Form
	Rate         *Form
}

// paused reports whether the import waits for somebody.
func paused(i *adminapi.Import) bool { return i.State == adminapi.ImportPaused }

// percent returns how much of an import is done, and whether that is known.
func percent(i *adminapi.Import) (string, bool) {
	switch {
	case i.State == adminapi.ImportDone:
		return "100", true
	case i.Percent > 0:
		return strconv.FormatFloat(i.Percent, 'f', 1, 64), true
	}
	return "", false
}

// number returns n as text without groups.
func number(n int64) string { return strconv.FormatInt(n, 10) }

// hasOptions reports whether the form of a file shows its options: after a problem, and while
// one is set.
func hasOptions(p *Page, f *Form) bool {
	if s := p.Of(f.ID); s != nil && s.Problem != nil {
		return true
	}
	return slices.ContainsFunc(f.Fields, func(x Field) bool { return x.Kind == Query && x.Value != "" })
}
