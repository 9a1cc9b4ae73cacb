package conformance

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain fails the package if a server logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }
