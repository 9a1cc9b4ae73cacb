package adminapi

import "time"

// Figures say what happened in an app, or on all of the server, in a span of time. They are
// the sums of all nodes. What another node has counted within the last minute may be
// missing.
type Figures struct {
	From   time.Time     `json:"from"`
	To     time.Time     `json:"to"`     // now
	StepS  int64         `json:"step_s"` // seconds between two points
	Points []FigurePoint `json:"points"` // oldest first, one for each step
	Total  FigureCounts  `json:"total"`  // of all points
}

// A FigurePoint contains the figures of one step of Figures.
type FigurePoint struct {
	Time     time.Time `json:"time"`               // begin of the step
	Seconds  int64     `json:"seconds"`            // duration: step_s, or less for the last step, which has not ended yet
	Accounts *int64    `json:"accounts,omitempty"` // that exist at the end of the step; absent if nobody counted them before
	FigureCounts
}

// FigureCounts are numbers of calls and accounts in a span of time.
type FigureCounts struct {
	Calls    int64            `json:"calls"`    // of the account API
	Failed   int64            `json:"failed"`   // calls that were answered with a code other than 0
	Limited  int64            `json:"limited"`  // calls that a rate limit has refused; they are among the failed ones
	Shadowed int64            `json:"shadowed"` // calls over a rate limit that were served, because the limit is in shadow mode
	Codes    map[string]int64 `json:"codes"`    // failed calls by code; "other" for further codes if there are many
	Created  int64            `json:"created"`  // accounts that were imported anew
	Deleted  int64            `json:"deleted"`  // accounts that were deleted
	MeanUS   int64            `json:"mean_us"`  // mean duration of a call in microseconds; 0 without calls
	MaxUS    int64            `json:"max_us"`   // duration of the longest call in microseconds
}

// FigureDays say what happened in an app on each of the last 30 days. They are exact over all
// nodes, but for what another node has counted within the last minute.
type FigureDays struct {
	Zone string      `json:"zone"` // time zone of the days; see the setting figures_zone
	Days []FigureDay `json:"days"` // oldest first; the last one is today, as far as it has gone
}

// A FigureDay contains the figures of a day.
type FigureDay struct {
	Date     string `json:"date"`     // such as 2026-05-06
	Created  int64  `json:"created"`  // accounts that were imported anew
	Deleted  int64  `json:"deleted"`  // accounts that were deleted
	Accounts int64  `json:"accounts"` // that existed at the end of the day; 0 before the app was created
	Logins   int64  `json:"logins"`   // of devices
	Users    int64  `json:"users"`    // different accounts that logged in
	Online   int64  `json:"online"`   // largest number of accounts that were online at once
	Webhooks int64  `json:"webhooks"` // that were sent, each attempt
	Answered int64  `json:"answered"` // webhooks with a response of success
}

// Status says how the server is.
type Status struct {
	Version       string    `json:"version"`
	StartedAt     time.Time `json:"started_at"`
	UptimeS       int64     `json:"uptime_s"`
	Ready         bool      `json:"ready"`               // whether the server accepts calls that change something
	NotReady      string    `json:"not_ready,omitempty"` // the reason, if it is not ready
	Store         string    `json:"store"`               // kind of the engine, such as pebble
	Apps          int64     `json:"apps"`
	Accounts      int64     `json:"accounts"` // of all apps
	CallsInFlight int64     `json:"calls_in_flight"`
	MemoryBytes   uint64    `json:"memory_bytes"`   // that the process holds, without cached files
	Disk          *Disk     `json:"disk,omitempty"` // absent unless the store is on a disk of this machine that answers
	Goroutines    int64     `json:"goroutines"`
	Repository    string    `json:"repository,omitempty"` // place where this server keeps backups, without secrets; absent if it has none
	NoBackup      string    `json:"no_backup,omitempty"`  // why this server makes no backups, and what does; absent if it makes them
}

// Disk is the use of a disk by the store.
type Disk struct {
	UsedBytes uint64 `json:"used_bytes"` // of the files of the store
	FreeBytes uint64 `json:"free_bytes"` // that the store can still use
}
