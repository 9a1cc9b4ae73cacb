package yard

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// senders is the number of bodies that are sent at once, as by Rollcall.
const senders = 16

// stateChange is the body of an event, with a place for the number of the account.
const stateChange = `{"CallbackCommand":"State.StateChange","EventTime":%d,"Info":{"Action":"Login","To_Account":"user_%08d","Reason":"Register"}}`

// Webhooks is a bare client of a receiver of events. A call with the query "to" and "n" posts n
// bodies to that URL, and responds when all have been received. It ends when ctx ends.
func Webhooks(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: 10 * time.Second}
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.FormValue("n"), 10, 64)
		if err == nil {
			err = postAll(r.Context(), client, r.FormValue("to"), n)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
}

// postAll posts n bodies, several at once.
func postAll(ctx context.Context, client *http.Client, to string, n int64) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, senders)
	for range senders {
		wg.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if err := post(ctx, client, to, i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

func post(ctx context.Context, client *http.Client, to string, i int64) error {
	body := fmt.Appendf(nil, stateChange, time.Now().UnixMilli(), i)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the receiver responds %s", resp.Status)
	}
	return nil
}
