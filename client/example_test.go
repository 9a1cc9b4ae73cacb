package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"rollcall/client"
)

// example returns a client for the examples. A script responds in place of the server. A
// program would call a server, such as client.Singapore or "http://127.0.0.1:7580".
func example(answers ...string) *client.Client {
	s := &script{}
	for _, a := range answers {
		s.steps = append(s.steps, body(200, a))
	}
	c, err := client.New(client.Options{
		BaseURL: client.Singapore, SDKAppID: 1400000000, Key: "the app's secret key", HTTPClient: s.client(),
	})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func ExampleNew() {
	c, err := client.New(client.Options{
		BaseURL:  client.Singapore,
		SDKAppID: 1400000000,
		Key:      "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.SDKAppID())
	// Output: 1400000000
}

func ExampleClient_ImportAccount() {
	c := example(`{"ActionStatus":"FAIL","ErrorInfo":"Err_TLS_Account_Num_Exceed_Threshold[70398]","ErrorCode":70398}`)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := c.ImportAccount(ctx, client.Account{UserID: "alice", Nick: "Alice"})
	if e, ok := errors.AsType[*client.Error](err); ok && e.Code == client.CodeQuotaExceeded {
		fmt.Println(e.Advice)
	}
	// Output: Delete accounts, raise the app's quota, or change its edition.
}

func ExampleClient_ImportAll() {
	c := example(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["bob"]}`)
	results, err := c.ImportAll(context.Background(), []client.Account{{UserID: "alice"}, {UserID: "bob"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Println(r.UserID, r.Code, r.Code == client.CodeUnexplained)
	}
	// Output:
	// alice 0 false
	// bob -1 true
}

func ExampleClient_SetProfile() {
	c := example(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`)
	err := c.SetProfile(context.Background(), "alice",
		client.Text(client.TagNick, "Alice"),
		client.Number(client.TagLevel, 7),
	)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_QueryOnlineStatus() {
	c := example(`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,
		"QueryResult":[{"To_Account":"alice","Status":"Online","Detail":[{"Platform":"Web","Status":"Online"}]}],
		"ErrorList":[{"To_Account":"nobody","ErrorCode":70107}]}`)
	results, err := c.QueryOnlineStatus(context.Background(), client.StatusQuery{UserIDs: []string{"alice", "nobody"}, Detail: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Println(r.UserID, r.Status, r.Devices, r.Code)
	}
	// Output:
	// alice Online [{Web Online 0}] 0
	// nobody  [] 70107
}
