package conformance

import (
	"testing"

	"rollcall/internal/testutil/pgtest"
)

// TestMain fails the package if a server logs a secret. It stops the databases.
func TestMain(m *testing.M) { pgtest.Main(m) }
