// Package faults decides which calls of a test app fail on purpose, and how. A caller
// asks for the fault of a call and carries it out. Faults are kept in memory, so they are
// gone when the server ends.
package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Limits of a Fault.
const (
	MaxFaults  = 100 // of one app
	MaxDelayMS = 60_000
	maxCode    = 999_999
	maxInfo    = 200 // bytes
	maxUserIDs = 100
)

// ItemCommands are the commands whose items can fail one by one.
var ItemCommands = []string{"multiaccount_import", "account_check", "account_delete"}

// Values of [Fault.Cut].
const (
	CutBefore = "before" // before the first byte of the response
	CutMiddle = "middle" // after half of its body
)

// A Fault says what goes wrong with which calls of a test app. It needs at least one of
// code, status, delay_ms, cut, fail_items and fail_userids.
type Fault struct {
	Command string `json:"command,omitempty"` // only calls of this command; every command if absent

	Code    int    `json:"code,omitzero"`                  // ErrorCode of the response; the command does not run
	Info    string `json:"info,omitempty"`                 // ErrorInfo for code; its usual text if absent
	Status  int    `json:"status,omitzero"`                // HTTP status of the response, 400 to 599; without code the body is a page, as of a proxy, and the command does not run
	DelayMS int64  `json:"delay_ms,omitzero"`              // milliseconds that the response waits, at most 60000
	Cut     string `json:"cut,omitempty" schema:"cutting"` // close the connection before the response, and the command does not run, or in the middle of the response
	Run     bool   `json:"run,omitzero"`                   // run the command nevertheless, so that it takes effect although its caller cannot know

	FailItems   int      `json:"fail_items,omitzero"`                    // number of items of the batch to fail: the first ones, or with seed random ones
	FailUserIDs []string `json:"fail_userids,omitempty" schema:"userid"` // ids whose items fail
	ItemCode    int      `json:"item_code,omitzero"`                     // code of failed items; 70500 if absent

	After       int     `json:"after,omitzero"`       // number of calls that pass first
	Times       int     `json:"times,omitzero"`       // number of calls that fail, after which all pass; no limit if absent
	Probability float64 `json:"probability,omitzero"` // share of calls that fail, above 0 and at most 1; all if absent
	Seed        uint64  `json:"seed,omitzero"`        // choice of calls and items; the same seed makes the same choices
}

// Replaces reports whether the command does not run.
func (f *Fault) Replaces() bool {
	return !f.Run && (f.Code != 0 || f.Status != 0 || f.Cut == CutBefore)
}

// ReplacesBody reports whether the body of the response is that of the HTTP status.
func (f *Fault) ReplacesBody() bool { return f.Status != 0 && f.Code == 0 }

// Delay returns how long the response waits.
func (f *Fault) Delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

// OfItems reports whether f fails items of a batch.
func (f *Fault) OfItems() bool { return f.FailItems > 0 || len(f.FailUserIDs) > 0 }

// Check returns what is wrong with f, in a sentence with the remedy. The argument
// commands lists all commands.
func (f *Fault) Check(commands []string) error {
	switch {
	case f.Command != "" && !slices.Contains(commands, f.Command):
		return fmt.Errorf("command is none of %v; correct it, or leave it out for all commands", commands)
	case f.Code == 0 && f.Status == 0 && f.DelayMS == 0 && f.Cut == "" && !f.OfItems():
		return errors.New("the fault does nothing; give code, status, delay_ms, cut, fail_items or fail_userids")
	case f.Code < 0 || f.Code > maxCode:
		return fmt.Errorf("code is %d; give an error code from 1 to %d", f.Code, maxCode)
	case f.ItemCode < 0 || f.ItemCode > maxCode:
		return fmt.Errorf("item_code is %d; give an error code from 1 to %d", f.ItemCode, maxCode)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status is %d; give an HTTP status from 400 to 599", f.Status)
	case f.DelayMS < 0 || f.DelayMS > MaxDelayMS:
		return fmt.Errorf("delay_ms is %d; give a number from 1 to %d", f.DelayMS, MaxDelayMS)
	case f.Cut != "" && f.Cut != CutBefore && f.Cut != CutMiddle:
		return fmt.Errorf("cut is not %q or %q; give one of them", CutBefore, CutMiddle)
	case f.Cut == CutBefore && (f.Code != 0 || f.Status != 0):
		return fmt.Errorf("cut %q leaves no response for code and status; leave them out, or cut in the %s", CutBefore, CutMiddle)
	case f.Info != "" && f.Code == 0 || len(f.Info) > maxInfo:
		return fmt.Errorf("info belongs to code and has at most %d bytes; correct it or leave it out", maxInfo)
	case f.Run && !(f.Code != 0 || f.Status != 0 || f.Cut != ""):
		return errors.New("run is only for code, status and cut; leave it out")
	}
	return errors.Join(f.checkItems(), f.checkWhen())
}

func (f *Fault) checkItems() error {
	switch {
	case f.OfItems() && !slices.Contains(ItemCommands, f.Command):
		return fmt.Errorf("fail_items and fail_userids need a command whose items can fail one by one; give command as one of %v", ItemCommands)
	case f.FailItems < 0:
		return fmt.Errorf("fail_items is %d; give the number of items to fail, from 1 up", f.FailItems)
	case f.FailItems > 0 && len(f.FailUserIDs) > 0:
		return errors.New("fail_items and fail_userids exclude each other; give one of them")
	case len(f.FailUserIDs) > maxUserIDs:
		return fmt.Errorf("fail_userids has %d ids; give at most %d", len(f.FailUserIDs), maxUserIDs)
	case f.ItemCode != 0 && !f.OfItems():
		return errors.New("item_code is for failed items; give fail_items or fail_userids with it")
	case f.OfItems() && f.Replaces():
		return errors.New("no item can fail in a command that does not run; give run, or leave out fail_items and fail_userids")
	}
	return nil
}

func (f *Fault) checkWhen() error {
	switch {
	case f.After < 0 || f.Times < 0:
		return errors.New("after and times are numbers of calls from 1 up; correct them or leave them out")
	case !(f.Probability >= 0 && f.Probability <= 1): // NaN, too
		return fmt.Errorf("probability is %v; give a number above 0 and at most 1", f.Probability)
	}
	return nil
}

// An Injection is the fault of one call.
type Injection struct {
	Fault
	ID  string // of the fault
	nth uint64 // how many calls the fault had changed, with this one
}

// Items returns the indexes of the items that fail in a batch of n, in their order. The
// function id returns the id of an item.
func (x *Injection) Items(n int, id func(int) string) (failed []int) {
	switch {
	case len(x.FailUserIDs) > 0:
		for i := range n {
			if slices.Contains(x.FailUserIDs, id(i)) {
				failed = append(failed, i)
			}
		}
	case x.Seed != 0:
		failed = rand.New(rand.NewPCG(x.Seed, x.nth)).Perm(n)[:min(n, x.FailItems)]
		slices.Sort(failed)
	default:
		for i := range min(n, x.FailItems) {
			failed = append(failed, i)
		}
	}
	return failed
}
