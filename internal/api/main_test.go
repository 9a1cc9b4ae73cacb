package api

import (
	"testing"

	"rollcall/internal/testutil"
)

// TestMain makes sure that no request logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }
