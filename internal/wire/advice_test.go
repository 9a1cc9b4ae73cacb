package wire

import "testing"

// TestAdviceSaysItOnce checks that advice does not repeat a remedy that the
// detail ends with, even in other words, and that it keeps a detail that says
// more.
func TestAdviceSaysItOnce(t *testing.T) {
	for _, test := range []struct {
		code         Code
		detail, want string
	}{
		{SigKicked, "the account was kicked; sign anew", "The account was kicked. Sign anew."},
		{SigKicked, "it was dated in the future; correct the clock and sign anew", "It was dated in the future; correct the clock. Sign anew."},
		{NoSDKAppID, "sdkappid is missing in the URL; add it", "sdkappid is missing in the URL. Add sdkappid to the URL."},
		{AccountType, "UserID is a number; send a JSON string", "UserID is a number. Send ids as JSON strings."},
		{BodyNotJSON, "the body is compressed (gzip); send it uncompressed", "The body is compressed (gzip); send it uncompressed. " + Lookup(BodyNotJSON).Advice},
		{SigKicked, "; sign anew", "; sign anew. Sign anew."},
	} {
		if got := Advice(test.code, test.detail); got != test.want {
			t.Errorf("%d: %q, want %q", test.code, got, test.want)
		}
	}
}
