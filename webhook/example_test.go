package webhook_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall/webhook"
)

// A receiver on a port of its own, and a sender that posts one event to it.
func ExampleHandler() {
	receiver := httptest.NewServer(&webhook.Handler{
		Token:    "the token of the app's settings",
		SDKAppID: 1400000001,
		Handle: func(_ context.Context, e *webhook.Event) error {
			switch body := e.Body.(type) {
			case webhook.StateChange:
				fmt.Println(body.Info.ToAccount, body.Info.Action, "on", e.OptPlatform)
			case webhook.PortraitSet:
				fmt.Println(body.FromAccount, "has a new profile")
			default:
				fmt.Println(e.Command, "is ignored")
			}
			return nil
		},
	})
	defer receiver.Close()

	base, err := url.Parse(receiver.URL)
	if err != nil {
		log.Fatal(err)
	}
	body := webhook.StateChange{
		EventTime: time.Now().UnixMilli(),
		Info:      webhook.StateInfo{Action: webhook.Login, ToAccount: "alice", Reason: webhook.Register},
	}
	query := webhook.Query{
		SDKAppID:    1400000001,
		Command:     body.CallbackCommand(),
		ClientIP:    netip.MustParseAddr("192.0.2.7"),
		OptPlatform: webhook.Web,
	}
	target := query.URL(base, "the token of the app's settings", time.Now())
	response, err := http.Post(target.String(), "application/json", strings.NewReader(string(body.AppendJSON(nil))))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(answer))
	// Output:
	// alice Login on Web
	// 200 {"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}
}

// A sender signs a body, and a receiver verifies it.
func ExampleSignStandard() {
	secret := webhook.NewSecret() // both sides know it
	body := webhook.OverLimit{ServiceName: "openim", Command: "batchsendmsg", Request: 510, Limit: 200}.AppendJSON(nil)
	now := time.Now()
	signature, err := webhook.SignStandard(secret, "evt_1", now, body)
	if err != nil {
		log.Fatal(err)
	}
	header := http.Header{}
	header.Set(webhook.HeaderID, "evt_1")
	header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(webhook.HeaderSignature, signature)

	fmt.Println(webhook.VerifyStandard(secret, header, body, now))
	fmt.Println(webhook.VerifyStandard(secret, header, append(body, ' '), now))
	// Output:
	// <nil>
	// signature refused: no signature in webhook-signature is that of the body with the receiver's secret; compare the secrets
}

// Commands of the vendor without a type here are JSON.
func ExampleParse() {
	e, err := webhook.Parse(
		url.Values{"SdkAppid": {"1400000001"}, "CallbackCommand": {"Sns.CallbackFriendAdd"}},
		[]byte(`{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.SDKAppID, e.Command, e.Body, string(e.JSON))
	// Output: 1400000001 Sns.CallbackFriendAdd <nil> {"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[]}
}
