package bulk_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/api"
	"rollcall/internal/directory"
	"rollcall/internal/source"
	"rollcall/internal/store/mem"
)

// sequential imports rows one after the other, as single calls would, and returns what the
// import of them must look like.
func sequential(b *bench, rows []string) (want adminapi.Import, rejected []adminapi.ImportRejection) {
	b.Helper()
	before, err := b.dir.Count(b.Context(), appID)
	if err != nil {
		b.Fatal(err)
	}
	for row, err := range source.Lines(strings.NewReader(strings.Join(rows, "\n")), source.Options{}) {
		if err != nil {
			b.Fatal(err)
		}
		want.Row++
		if row.UserID == nil && row.Fault == "" {
			continue
		}
		r := adminapi.ImportRejection{Row: want.Row, UserID: string(row.UserID), Reason: row.Fault}
		if row.Fault == "" {
			r.Code, r.Reason = importRow(b, row)
		}
		if r.Reason == "" {
			want.Imported++
			continue
		}
		want.Failed++
		rejected = append(rejected, r)
	}
	after, err := b.dir.Count(b.Context(), appID)
	if err != nil {
		b.Fatal(err)
	}
	want.State, want.Created = adminapi.ImportDone, after-before
	return want, rejected
}

// importRow imports one row. It returns the reason if that is refused.
func importRow(b *bench, row *source.Row) (int, string) {
	b.Helper()
	var changes []directory.Change
	for _, t := range row.Tags {
		v := account.Value{Text: string(t.Text), Number: t.Number, IsNumber: t.IsNumber}
		changes = append(changes, directory.Change{Tag: account.Tag(t.Name), Value: v})
	}
	if _, err := b.dir.CheckProfile(b.app, changes); err != nil {
		return api.ImportReason(account.CodeOf(err), account.DetailOf(err))
	}
	u := account.Upsert{ID: account.UserID(row.UserID), Nick: string(row.Nick), FaceURL: string(row.FaceURL)}
	rs, err := b.dir.Import(b.Context(), b.app, []account.Upsert{u})
	if err != nil {
		b.Fatal(err)
	}
	if rs[0].Code != account.OK {
		return api.ImportReason(rs[0].Code, rs[0].Detail)
	}
	if len(changes) > 0 {
		if err := b.dir.SetProfile(b.Context(), b.app, u.ID, changes); err != nil {
			b.Fatal(err)
		}
	}
	return 0, ""
}

// leaveTombstone deletes an id, which then cannot be imported.
func leaveTombstone(b *bench) {
	b.Helper()
	if _, err := b.dir.Import(b.Context(), b.app, []account.Upsert{{ID: "gone"}}); err != nil {
		b.Fatal(err)
	}
	if _, err := b.dir.Delete(b.Context(), b.app, []account.UserID{"gone"}); err != nil {
		b.Fatal(err)
	}
}

// TestStreamProperty sends random rows in bodies that are cut anywhere and repeat rows, with
// restarts of the server and errors of the engine. The result is that of the same rows one
// after the other, and each rejection is listed once.
func TestStreamProperty(t *testing.T) {
	rounds := 24
	if testing.Short() {
		rounds = 8
	}
	for seed := range rounds {
		for _, name := range []string{"mem", "pebble", "postgres"} {
			if name == "postgres" && seed%8 > 0 { // a round takes seconds
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) { streamProperty(t, name, uint64(seed)) })
		}
	}
}

func streamProperty(t *testing.T, engine string, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	rows := randomRows(rnd, 1+rnd.IntN(400))
	model := newBench(t, func() account.Engine { return new(mem.Store) })
	leaveTombstone(model)
	want, rejected := sequential(model, rows)

	faulty := new(faults)
	b := newBench(t, engines(t)[engine])
	leaveTombstone(b)
	b.rows = 1 + rnd.IntN(50)
	b.wrap = func(e account.Engine) account.Engine { return faulty.engine(e) }
	b.restart()
	faulty.rnd = rand.New(rand.NewPCG(seed, 2))
	next := int64(1)
	for round, ended := 0, false; !ended; round++ {
		from := 1 + rnd.Int64N(next)
		body := strings.Join(rows[min(from-1, int64(len(rows))):], "\n")
		n := len(body)
		if round < 20 {
			n = rnd.IntN(len(body) + 1)
		}
		got, err := b.stream(from, cut(rnd, body, n))
		if err == nil && n == len(body) {
			checkImport(t, b, got, &want)
			break
		}
		if rnd.IntN(3) == 0 {
			b.restart()
		}
		faulty.off = true
		imp, err := b.bulk.Import(t.Context(), appID, key)
		faulty.off = false
		switch {
		case err == nil:
			next = imp.Row + 1
			if imp.State == adminapi.ImportDone { // the end was stored, and its outcome was unknown
				if n < len(body) {
					t.Fatalf("done after %d rows of a cut body", imp.Row)
				}
				checkImport(t, b, imp, &want)
				ended = true
			}
		case account.CodeOf(err) != account.NoImport:
			t.Fatal(err)
		}
	}
	faulty.off = true
	if diff := cmp.Diff(rejected, b.rejected(1+rnd.IntN(20))); diff != "" {
		t.Errorf("rejections (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(accounts(t, model.dir), accounts(t, b.dir)); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// checkImport compares the parts of imports that the rows decide.
func checkImport(t testing.TB, b *bench, got, want *adminapi.Import) {
	t.Helper()
	parts := func(i *adminapi.Import) []any { return []any{i.State, i.Row, i.Imported, i.Created, i.Failed} }
	if diff := cmp.Diff(parts(want), parts(got)); diff != "" {
		t.Errorf("import (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, b.imp()); diff != "" {
		t.Errorf("the import is shown otherwise (-returned +shown):\n%s", diff)
	}
}
