package usersig_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"rollcall/usersig"
)

// The secret comes from the console. This one is not in use.
const secret = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"

var issued = time.Unix(1700000000, 0)

func ExampleSign() {
	text, err := usersig.Sign(usersig.HMACKey(secret), usersig.Claims{
		SDKAppID:   1400000000,
		Identifier: "administrator",
		IssuedAt:   issued,
		Validity:   24 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	s, err := usersig.Parse(text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.SDKAppID, s.Identifier, s.IssuedAt, s.Expire)
	// Output: 1400000000 administrator 1700000000 86400
}

// A PrivateMapKey is a UserSig with a room permit as its userbuf.
func ExampleRoomPermit() {
	const validity = 5 * time.Minute
	permit, err := usersig.RoomPermit{
		SDKAppID:   1400000000,
		Identifier: "xiaojun",
		RoomName:   "lobby",
		ExpiresAt:  issued.Add(validity),
		Privileges: usersig.ViewerPrivileges,
	}.UserBuf()
	if err != nil {
		log.Fatal(err)
	}
	text, err := usersig.Sign(usersig.HMACKey(secret), usersig.Claims{
		SDKAppID: 1400000000, Identifier: "xiaojun", IssuedAt: issued, Validity: validity, UserBuf: permit,
	})
	fmt.Println(len(permit), text != "", err)
	// Output: 37 true <nil>
}

func ExampleVerify() {
	key := usersig.HMACKey(secret)
	text, err := usersig.Sign(key, usersig.Claims{
		SDKAppID: 1400000000, Identifier: "xiaojun", IssuedAt: issued, Validity: time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = usersig.Verify(text, usersig.Request{
		SDKAppID:   1400000000,
		Identifier: "xiaojun",
		Keys:       []usersig.Key{key},
		Now:        issued.Add(2 * time.Hour),
	})
	if refused, ok := errors.AsType[*usersig.Error](err); ok {
		fmt.Println(refused.Reason.Code(), refused)
	}
	// Output: 70001 usersig expired: expired 2023-11-14T23:13:20Z, and it is 2023-11-15T00:13:20Z
}

// Explain to a user why a UserSig does not work, without having the key.
func ExampleExplain() {
	const text = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwhWZiflZpXlQqeKU7MSCgswUJStDEwMogMiUZOamKlkZmqOKplYUZBaBxE1NTY3gosWZ6UpWSj5ljuYp*p7l5unBxXnF2WVhVU4uAf7Ozi5JpX7O5SbuHuUhzgZJmQXaTia2SrUAohcx8g__"
	e := usersig.Explain(text, usersig.Request{SDKAppID: 1400000001, Identifier: "xiaojun", Now: issued})
	for _, s := range e.Steps {
		fmt.Printf("%-9s  %-11s  %s\n", s.Name, s.Status, s.Why)
	}
	fmt.Println("a server answers", e.Code)
	// Output:
	// base64     ok           184 characters
	// zlib       ok           136 bytes inflate to 171
	// json       ok           a UserSig of version 2 (HMAC-SHA256)
	// app        wrong        made for SDKAppID 1400000000, not for 1400000001
	// user       ok           made for the user "xiaojun"
	// expiry     ok           valid until 2024-05-12T22:13:20Z
	// signature  not_checked  version 2 (HMAC-SHA256), and no secret key was given
	// kick       not_checked  only the server knows when the account was kicked
	// a server answers 70014
}
