package admin_test

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain makes sure that no server logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }
