package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// planned are the statements whose time must not depend on the size of a table.
var planned = map[string]string{
	"import": importSQL, "found": foundSQL, "rows": rowsSQL, "lock rows": lockRowsSQL, "put": putSQL,
	"status": statusSQL, "list": listSQL, "list of a prefix": listPrefixSQL, "next id": nextSQL,
	"lock a space": lockSQL + "NO KEY UPDATE", "lock a whole space": plain{}.lockAll(), "count": totalSQL, "add": countSQL,
	"divide": divideSQL, "take back": undividedSQL, "admins": setAdminsSQL, "strangers": strangersSQL,
	"record": recordSQL, "records at": recordsAtSQL, "records": recordsSQL, "records backward": recordsBackSQL, "committed": committedSQL,
	"set": setSQL, "change": changeSQL, "remove": removeSQL, "drop": dropSQL,
	"kicks": kicksSQL, "kicks of apps": appKicksSQL, "spaces": spacesSQL,
}

// TestPlans checks that every statement uses an index. A session may have planned it while
// its tables were empty, or later without statistics of them.
func TestPlans(t *testing.T) {
	if citusURL != "" {
		t.Skip("workers of Citus plan with settings of their own")
	}
	url := database(t)
	config, err := poolConfig(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec("SET plan_cache_mode = force_generic_plan")
	for name, sql := range planned {
		exec(fmt.Sprintf("PREPARE %q AS %s", name, sql))
	}
	check := func(state string) {
		t.Helper()
		for name := range planned {
			plan := planOf(t, conn, name)
			for _, slow := range []string{"Seq Scan on", "Bitmap", "Hash", "Merge", "Sort"} {
				if strings.Contains(plan, slow) {
					t.Errorf("%s, %s:\n%s", name, state, plan)
					break
				}
			}
			if name == "spaces" && !strings.Contains(plan, "spaces_first") || name == "kicks" && !strings.Contains(plan, "accounts_kicked") {
				t.Errorf("%s, %s, reads all rows:\n%s", name, state, plan)
			}
		}
	}
	check("of empty tables")
	exec(`INSERT INTO accounts SELECT i, 1, 1, 1, i % 1024, 'u' || i, '', '' FROM generate_series(1, 20000) AS i`)
	exec(`INSERT INTO spaces SELECT a, b, 1, 0, 0, 0, '{}' FROM generate_series(1, 20) AS a, generate_series(0, 1023) AS b`)
	exec(`INSERT INTO records SELECT 1, convert_to('k' || i, 'UTF8'), '', i FROM generate_series(1, 20000) AS i`)
	check("of tables without statistics")
}

// planOf returns the plan of a prepared statement.
func planOf(t *testing.T, conn *pgx.Conn, name string) string {
	t.Helper()
	var args int
	const sql = `SELECT coalesce(cardinality(parameter_types), 0) FROM pg_prepared_statements WHERE name = $1`
	if err := conn.QueryRow(t.Context(), sql, name).Scan(&args); err != nil {
		t.Fatal(err)
	}
	call := fmt.Sprintf("EXPLAIN (COSTS OFF) EXECUTE %q", name)
	if args > 0 {
		call += "(" + strings.Repeat("NULL, ", args-1) + "NULL)"
	}
	rows, err := conn.Query(t.Context(), call, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
