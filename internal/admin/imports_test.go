package admin_test

import (
	"fmt"
	"net/http"
	"testing"

	"rollcall/internal/adminapi"
)

const imports = "/admin/v1/apps/1400000001/imports"

// stream sends a body of the import key.
func (b *bench) stream(key string, from int, body string) reply {
	b.Helper()
	path := fmt.Sprintf("/admin/v1/apps/1400000001/accounts:import?from=%d", from)
	return b.send(request{method: "POST", path: path, body: body, token: b.tokens["write"], header: http.Header{"Idempotency-Key": {key}}})
}

// TestImportStream imports accounts in two requests.
func TestImportStream(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		r := b.stream("k", 1, "{\"userid\":\"alice\",\"nick\":\"Alice\"}\n\n{\"userid\":\"@bob\"}\nnonsense\n{\"userid\":\"carol\"}")
		if r.status != 200 {
			b.Fatalf("%d %s", r.status, r.body)
		}
		got := ok[adminapi.Import](b, 200, "GET", imports+"/k", "")
		if got.State != adminapi.ImportDone || got.Row != 5 || got.Imported != 2 || got.Created != 2 || got.Failed != 2 || got.Skipped != 1 {
			b.Errorf("%+v", got)
		}
		page := ok[adminapi.ImportRejectionPage](b, 200, "GET", imports+"/k/rejected", "")
		b.Logf("%+v", page)
	})
}
