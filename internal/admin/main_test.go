package admin_test

import (
	"testing"

	"rollcall/internal/testutil/pgtest"
)

// TestMain fails the package if a server logs a secret.
func TestMain(m *testing.M) { pgtest.Main(m) }
