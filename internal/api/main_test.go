package api

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain fails the package if a request logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }
