package main

import (
	"errors"
	"log/slog"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the share of the memory of a control group that Go may use before it
// collects garbage more often. The rest is for stacks, buffers of the kernel and bursts.
const memoryShare = 0.9

// limitMemory lets Go stay below the memory limit of the control group of this process, as
// GOMEMLIMIT does. If that variable is set, it decides. limit returns the limit of the group
// in bytes.
func limitMemory(lg *slog.Logger, limit memlimit.Provider) {
	n, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(limit))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported): // nobody limits the memory
	case err != nil:
		lg.Warn("the memory limit of the control group is unknown, so Go works without one: set GOMEMLIMIT if there is a limit", slog.String("err", err.Error()))
	case n < math.MaxInt64:
		lg.Info("memory is limited by GOMEMLIMIT or the control group", slog.Int64("limit_mib", n>>20))
	}
}
