package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"rollcall/webhook"
)

// The example of the specification's libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

func TestSignStandard(t *testing.T) {
	for _, secret := range []string{vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_")} {
		got, err := webhook.SignStandard(secret, vectorID, vectorTime.Add(999*time.Millisecond), []byte(vectorBody))
		if err != nil || got != vectorSignature {
			t.Errorf("%q, %v; want %q", got, err, vectorSignature)
		}
	}
}

func TestSignStandardRefuses(t *testing.T) {
	bytes := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, tt := range []struct{ name, secret, id, want string }{
		{"no secret", "", "a", "a webhook secret must have 24 to 64 bytes after the base64; this one has 0"},
		{"short", bytes(23), "a", "a webhook secret must have 24 to 64 bytes after the base64; this one has 23"},
		{"long", bytes(65), "a", "a webhook secret must have 24 to 64 bytes after the base64; this one has 65"},
		{"not base64", "whsec_" + strings.Repeat("?", 40), "a", "a webhook secret must be whsec_ and base64; this one is not base64"},
		{"no id", vectorSecret, "", `the id of a webhook "" must be letters, digits, - and _`},
		{"dot", vectorSecret, "a.1", `the id of a webhook "a.1" must be letters, digits, - and _`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := webhook.CheckSecret(tt.secret); tt.secret != vectorSecret && (err == nil || err.Error() != tt.want) {
				t.Errorf("CheckSecret: %v; want error %s", err, tt.want)
			}
			got, err := webhook.SignStandard(tt.secret, tt.id, vectorTime, nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("%q, %v; want error %s", got, err, tt.want)
			}
		})
	}
	for _, n := range []int{24, 64} {
		if _, err := webhook.SignStandard(bytes(n), "a", vectorTime, nil); err != nil {
			t.Errorf("a secret of %d bytes: %v", n, err)
		}
	}
}

func TestNewSecret(t *testing.T) {
	first, second := webhook.NewSecret(), webhook.NewSecret()
	if first == second {
		t.Error("two secrets are equal")
	}
	if err := webhook.CheckSecret(first); err != nil {
		t.Error(err)
	}
}
