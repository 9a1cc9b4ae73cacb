package account_test

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain checks that no secret is logged.
func TestMain(m *testing.M) { testutil.Main(m) }
