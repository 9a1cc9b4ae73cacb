package account

import (
	"fmt"
	"sync"
	"time"
)

// china is the zone of the days of the vendor's figures (protocol-sessions.md §9.2).
var china = time.FixedZone("UTC+8", 8*60*60)

// zones contains the zones that were used, by their names. The names of the tz database bound
// their number.
var zones sync.Map

// Zone returns the time zone of the days of figures of a. It is that of the vendor if the
// setting has a name that this machine does not know.
func (a *App) Zone() *time.Location {
	name := a.Settings.FiguresZone
	if name == "" {
		return china
	}
	if zone, err := zoneNamed(name); err == nil {
		return zone
	}
	return china
}

func zoneNamed(name string) (*time.Location, error) {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, zone)
	}
	return zone, err
}

func checkZone(a *App, f *faults) {
	name := a.Settings.FiguresZone
	if _, err := zoneNamed(name); err != nil || name == "Local" {
		f.add("figures_zone", "", name,
			fmt.Sprintf("figures_zone %s is no time zone of the tz database; give a name such as Asia/Shanghai or Europe/Berlin", Quote(name)))
	}
}
