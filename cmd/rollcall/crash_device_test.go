package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rollcall/client"
)

// reportedPlatforms are the platforms of the devices that the load reports. Only the first one
// has push.
var reportedPlatforms = [...]string{client.Android, client.Windows, client.Web}

// A deviceFact is the truth about the devices of one account: a state for each of
// reportedPlatforms, or "".
type deviceFact struct {
	States [len(reportedPlatforms)]string
}

func (f deviceFact) matches(got deviceFact) bool     { return f == got }
func (f deviceFact) learn(got deviceFact) deviceFact { return f }

func shownDevices(d *client.AccountDevices) (f deviceFact) {
	for i, p := range reportedPlatforms {
		for _, device := range d.Devices {
			if device.Platform == p {
				f.States[i] += device.State
			}
		}
	}
	return f
}

// A deviceWorker reports devices as a gateway does.
type deviceWorker struct {
	ledger
	rng *rand.Rand
}

func newDeviceWorker() *deviceWorker {
	return &deviceWorker{*newLedger(), rand.New(rand.NewPCG(rand.Uint64(), 5))}
}

func (w *deviceWorker) book() *ledger { return &w.ledger }

func (w *deviceWorker) next(s *site) call {
	key := userKey{freeApp, fmt.Sprintf("device-%d", w.rng.IntN(10))}
	i := w.rng.IntN(len(reportedPlatforms))
	report := client.DeviceReport{UserID: key.user, Platform: reportedPlatforms[i], Instance: "gateway/1"}
	f := w.acked.devices[key]
	switch n := w.rng.IntN(10); {
	case n < 6 || !w.acked.accounts[key].Live:
		report.Vouched = time.Hour
		f.States[i] = "Online"
	case n < 8 || i == 0 && n < 9:
		if i > 0 {
			f.States[i] = ""
		} else if f.States[i] != "" {
			f.States[i] = "PushOnline"
		}
	default:
		report.Logout = true
		f.States[i] = ""
	}
	c := call{newFacts(), func(ctx context.Context) error {
		done, err := s.admin.ReportDevices(ctx, key.app, report)
		if err == nil && done.Applied != 1 {
			err = errors.New(done.Results[0].Reason)
		}
		return err
	}}
	c.changes.devices[key] = f
	a := w.acked.accounts[key]
	a.Live = true
	c.changes.accounts[key] = a
	return c
}
