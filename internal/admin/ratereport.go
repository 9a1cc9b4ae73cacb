package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"rollcall/internal/adminapi"
	"rollcall/internal/ratelimit"
)

func (s *Server) rateReport(ctx context.Context, c *call) (adminapi.RateReport, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.RateReport{}, err
	}
	if _, err := s.dir.App(ctx, id); err != nil {
		return adminapi.RateReport{}, err
	}
	return showRates(s.rates.Rows(uint32(id))), nil
}

// showRates returns the report of rows, which are newest first.
func showRates(rows []ratelimit.Row) adminapi.RateReport {
	report := adminapi.RateReport{Commands: []adminapi.RateSummary{}, Seconds: make([]adminapi.RateSecond, len(rows))}
	for i, r := range rows {
		total := r.Limit + r.Over // every call within the limit was counted before the first one over it
		report.Seconds[i] = adminapi.RateSecond{Command: r.Command, Time: time.Unix(r.Second, 0), Limit: r.Limit, Calls: total, Refused: r.Over}
		at := slices.IndexFunc(report.Commands, func(s adminapi.RateSummary) bool { return s.Command == r.Command })
		if at < 0 {
			at = len(report.Commands)
			report.Commands = append(report.Commands, adminapi.RateSummary{Command: r.Command, Limit: r.Limit})
		}
		sum := &report.Commands[at]
		sum.Peak = max(sum.Peak, total)
		sum.Refused += r.Over
		sum.Seconds++
	}
	slices.SortStableFunc(report.Commands, func(a, b adminapi.RateSummary) int { return cmp.Compare(b.Refused, a.Refused) })
	return report
}
