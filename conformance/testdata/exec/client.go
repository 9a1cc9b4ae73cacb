// Command client sends one request to the URL in TARGET, and prints the response. With the
// argument "own" its transport ignores proxies.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	client := http.DefaultClient
	if os.Args[1] == "own" {
		client = &http.Client{Transport: &http.Transport{}}
	}
	resp, err := client.Post(os.Getenv("TARGET"), "application/json", strings.NewReader(os.Getenv("BODY")))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
