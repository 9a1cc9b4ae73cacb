package bulk_test

import (
	"testing"

	"rollcall/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }
