package figures

import (
	"time"

	"rollcall/internal/records"
)

// unknown is the number of accounts of a day on which they were not counted.
const unknown = -1

// countBefore returns the newest number of accounts from before a date, or unknown.
func countBefore(stored map[string][]records.StoredFigureDay, date string) int64 {
	var sum records.FigureSlot
	for d, list := range stored {
		for i := range list {
			if d < date {
				sum.Add(&list[i].FigureSlot)
			}
		}
	}
	return accountsOf(&sum)
}

// accountsOf returns the number of accounts of s, or unknown.
func accountsOf(s *records.FigureSlot) int64 {
	if s.Accounts == nil {
		return unknown
	}
	return s.Accounts.N
}

// fillAccounts sets the numbers of accounts that are unknown. They follow from that of the day
// before, or else from that of the day after, and from what was created and deleted. The last
// day has a number. before is that of the day before all days, or unknown.
func fillAccounts(days []Day, before int64, appCreated time.Time) {
	for i := range days {
		d := &days[i]
		if d.Accounts == unknown && before != unknown {
			d.Accounts = max(0, before+d.Created-d.Deleted)
		}
		before = d.Accounts
	}
	for i := len(days) - 2; i >= 0; i-- {
		d, next := &days[i], &days[i+1]
		switch {
		case d.Accounts != unknown:
		case next.Date.After(appCreated):
			d.Accounts = max(0, next.Accounts-next.Created+next.Deleted)
		default:
			d.Accounts = 0 // the app did not exist
		}
	}
}
