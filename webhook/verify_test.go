package webhook_test

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rollcall/webhook"
)

func TestVerifySign(t *testing.T) {
	const (
		token = "xxxxyyyy"
		good  = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
	)
	at := time.Unix(1669872112, 0)
	signed := func(requestTime string) string { // of a time that is not a number, too
		return "Sign=" + webhook.SignText(token, requestTime) + "&RequestTime=" + url.QueryEscape(requestTime)
	}
	for _, tt := range []struct {
		name, token, query string
		after              time.Duration
		want               string
	}{
		{"right", token, "Sign=" + good + "&RequestTime=1669872112", 0, ""},
		{"a minute old", token, signed("1669872112"), 60*time.Second + 999*time.Millisecond, ""},
		{"a minute early", token, signed("1669872112"), -60 * time.Second, ""},
		{"older", token, signed("1669872112"), 61 * time.Second, "RequestTime is more than 60 seconds in the past; send the request again, or set the clocks"},
		{"earlier", token, signed("1669872112"), -61 * time.Second, "RequestTime is more than 60 seconds in the future; set the clocks"},
		{"far past", token, signed("-9223372036854775808"), 0, "RequestTime is more than 60 seconds in the past; send the request again, or set the clocks"},
		{"far future", token, signed("9223372036854775807"), 0, "RequestTime is more than 60 seconds in the future; set the clocks"},
		{"no number", token, signed("now"), 0, "RequestTime is not a number of seconds"},
		{"none", token, "", 0, "Sign or RequestTime is missing in the URL; set the token at the sender"},
		{"no time", token, "Sign=" + good, 0, "Sign or RequestTime is missing in the URL; set the token at the sender"},
		{"other token", token + "y", signed("1669872112"), 0, "Sign is not the signature of RequestTime with the receiver's token; compare the tokens"},
		{"other time", token, "Sign=" + good + "&RequestTime=1669872113", 0, "Sign is not the signature of RequestTime with the receiver's token; compare the tokens"},
		{"capitals", token, "Sign=" + strings.ToUpper(good) + "&RequestTime=1669872112", 0, "Sign is not the signature of RequestTime with the receiver's token; compare the tokens"},
		{"no token", "", signed("1669872112"), 0, "the receiver has no token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			checkRefusal(t, webhook.VerifySign(tt.token, query, at.Add(tt.after)), tt.want)
		})
	}
}

// checkRefusal compares err with an ErrSignature with the text want, or with nil.
func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err == nil {
		return
	}
	if err == nil || err.Error() != "signature refused: "+want || !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestVerifyStandard(t *testing.T) {
	const (
		missing = "webhook-id, webhook-timestamp or webhook-signature is missing in the headers; set the secret at the sender"
		wrong   = "no signature in webhook-signature is that of the body with the receiver's secret; compare the secrets"
		id      = webhook.HeaderID
		stamp   = webhook.HeaderTimestamp
		sig     = webhook.HeaderSignature
		other   = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	)
	for _, tt := range []struct {
		name   string
		header map[string]string // instead of that of the vector
		body   string
		after  time.Duration
		want   string
	}{
		{"right", nil, vectorBody, 0, ""},
		{"five minutes old", nil, vectorBody, 300 * time.Second, ""},
		{"five minutes early", nil, vectorBody, -300 * time.Second, ""},
		{"older", nil, vectorBody, 301 * time.Second, "webhook-timestamp is more than 300 seconds in the past; send the request again, or set the clocks"},
		{"earlier", nil, vectorBody, -301 * time.Second, "webhook-timestamp is more than 300 seconds in the future; set the clocks"},
		{"other body", nil, vectorBody + " ", 0, wrong},
		{"other id", map[string]string{id: "msg_2"}, vectorBody, 0, wrong},
		{"other time", map[string]string{stamp: "1614265331"}, vectorBody, 0, wrong},
		{"second of two", map[string]string{sig: other + " " + vectorSignature}, vectorBody, 0, ""},
		{"first of two", map[string]string{sig: vectorSignature + " " + other}, vectorBody, 0, ""},
		{"none of two", map[string]string{sig: other + " " + other}, vectorBody, 0, wrong},
		{"other version", map[string]string{sig: "v1a" + strings.TrimPrefix(vectorSignature, "v1")}, vectorBody, 0, wrong},
		{"no version", map[string]string{sig: strings.TrimPrefix(vectorSignature, "v1,")}, vectorBody, 0, wrong},
		{"not base64", map[string]string{sig: "v1,?"}, vectorBody, 0, wrong},
		{"empty signature", map[string]string{sig: "v1,"}, vectorBody, 0, wrong},
		{"no id", map[string]string{id: ""}, vectorBody, 0, missing},
		{"no time", map[string]string{stamp: ""}, vectorBody, 0, missing},
		{"no signature", map[string]string{sig: " "}, vectorBody, 0, missing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			header.Set(id, vectorID)
			header.Set(stamp, strconv.FormatInt(vectorTime.Unix(), 10))
			header.Set(sig, vectorSignature)
			for name, value := range tt.header {
				header.Set(name, value)
			}
			checkRefusal(t, webhook.VerifyStandard(vectorSecret, header, []byte(tt.body), vectorTime.Add(tt.after)), tt.want)
		})
	}
}

// TestLibrary compares both directions with the library of the specification.
func TestLibrary(t *testing.T) {
	secret, now := webhook.NewSecret(), time.Now()
	library, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(webhook.HeaderID, "evt_1")
	header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	for _, body := range []string{"", `{"a":"张三 \u0000"}`, strings.Repeat("x", 1<<16)} {
		ours, err := webhook.SignStandard(secret, "evt_1", now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		header.Set(webhook.HeaderSignature, ours)
		if err := library.VerifyIgnoringTimestamp([]byte(body), header); err != nil {
			t.Errorf("the library about our signature: %v", err)
		}
		theirs, err := library.Sign("evt_1", now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		header.Set(webhook.HeaderSignature, theirs)
		checkRefusal(t, webhook.VerifyStandard(secret, header, []byte(body), now), "")
	}
}

func TestVerifyStandardSecret(t *testing.T) {
	err := webhook.VerifyStandard("whsec_short", http.Header{}, nil, vectorTime)
	if err == nil || errors.Is(err, webhook.ErrSignature) {
		t.Errorf("%v, want an error that is not of the request", err)
	}
}
