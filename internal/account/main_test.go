package account_test

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain makes sure that no secret is logged.
func TestMain(m *testing.M) { testutil.Main(m) }
