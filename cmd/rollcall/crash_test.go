package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

var crashRounds = flag.Int("crash-rounds", 20, "how often TestKill kills the server")

// TestKill kills the server under load, as kill -9 does, and afterwards looks
// up every account that was ever acknowledged.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acked []string
	for round := range *crashRounds {
		p := startProcess(t, dir)
		acked = append(acked, loadUntilKilled(t, p, round)...)
		p = startProcess(t, dir)
		client := &http.Client{Transport: new(http.Transport)}
		missing, err := p.missing(client, acked)
		if err != nil {
			t.Fatal(err)
		}
		if len(missing) > 0 {
			t.Fatalf("round %d: %d of %d acknowledged accounts are missing, such as %q", round, len(missing), len(acked), missing[0])
		}
		_ = p.Process.Kill()
		_ = p.Wait()
	}
	t.Logf("%d rounds: 0 of %d acknowledged accounts missing", *crashRounds, len(acked))
}

// loadUntilKilled imports from several goroutines, kills the server after a
// random number of answers, and returns the ids that were acknowledged.
func loadUntilKilled(t *testing.T, p *process, round int) []string {
	t.Helper()
	const workers, batch = 8, 20
	var (
		wg     sync.WaitGroup
		calls  atomic.Int64
		mu     sync.Mutex
		acked  []string
		killAt = 1 + rand.Int64N(200)
	)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	for w := range workers {
		wg.Go(func() {
			for i := 0; ; i++ {
				ids := make([]string, batch)
				for k := range ids {
					ids[k] = fmt.Sprintf("r%d-w%d-c%d-%d", round, w, i, k)
				}
				if !p.imports(t, client, ids) {
					return
				}
				mu.Lock()
				acked = append(acked, ids...)
				mu.Unlock()
				if calls.Add(1) == killAt {
					_ = p.Process.Kill()
				}
			}
		})
	}
	wg.Wait()
	_ = p.Wait()
	return acked
}

// imports reports whether the import of ids was acknowledged. It ends the test
// if a server that answers does not take them.
func (p *process) imports(t *testing.T, client *http.Client, ids []string) bool {
	body, err := json.Marshal(map[string][]string{"Accounts": ids})
	if err != nil {
		t.Error(err)
		return false
	}
	var ack struct {
		ErrorCode    int
		FailAccounts []string
	}
	if err := p.call(client, "multiaccount_import", string(body), &ack); err != nil {
		return false // killed
	}
	if ack.ErrorCode != 0 || len(ack.FailAccounts) > 0 {
		t.Errorf("import refused: %+v", ack)
		return false
	}
	return true
}

// missing returns the ids that are not imported.
func (p *process) missing(client *http.Client, ids []string) (missing []string, err error) {
	type item struct{ UserID, AccountStatus string }
	for chunk := range slices.Chunk(ids, 100) {
		req := map[string][]item{}
		for _, id := range chunk {
			req["CheckItem"] = append(req["CheckItem"], item{UserID: id})
		}
		body, err := json.Marshal(req)
		if err != nil {
			return nil, err
		}
		var resp struct{ ResultItem []item }
		if err := p.call(client, "account_check", string(body), &resp); err != nil {
			return nil, err
		}
		if len(resp.ResultItem) != len(chunk) {
			return nil, fmt.Errorf("%d results for %d ids", len(resp.ResultItem), len(chunk))
		}
		for _, r := range resp.ResultItem {
			if r.AccountStatus != "Imported" {
				missing = append(missing, r.UserID)
			}
		}
	}
	return missing, nil
}
