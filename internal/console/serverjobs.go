package console

import (
	"slices"
	"strconv"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// maxJobs is the largest number of imports on the page.
const maxJobs = 200

// jobs shows the imports of all apps, the newest first.
func (v *visit) jobs() (*content, error) {
	j := new(view.Jobs)
	for _, app := range v.Apps {
		r := admin.Request{Route: "listImports", Params: map[string]string{"sdkappid": strconv.FormatUint(uint64(app.SDKAppID), 10)}, Query: map[string]string{"limit": "100"}}
		page, err := call[adminapi.ImportPage](v, r)
		if err != nil {
			return nil, err
		}
		j.More = j.More || page.NextCursor != ""
		for _, i := range page.Imports {
			j.Jobs = append(j.Jobs, view.Job{App: app, Import: i})
		}
	}
	slices.SortStableFunc(j.Jobs, func(a, b view.Job) int { return b.Import.UpdatedAt.Compare(a.Import.UpdatedAt) })
	if len(j.Jobs) > maxJobs {
		j.Jobs, j.More = j.Jobs[:maxJobs], true
	}
	return &content{page: view.JobsPage(&v.Page, j)}, nil
}
