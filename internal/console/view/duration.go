package view

import "time"

// units are the units in which durations are shown, the largest first.
var units = []struct {
	key string
	d   time.Duration
}{
	{"duration.days", 24 * time.Hour}, {"duration.hours", time.Hour}, {"duration.minutes", time.Minute}, {"duration.seconds", time.Second},
}

// duration returns d for people, in its largest unit and the next smaller one.
func (p *Page) duration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	for i, u := range units {
		if d < u.d {
			continue
		}
		text := sign + p.T(u.key, int64(d/u.d))
		if i+1 < len(units) {
			if rest := int64(d % u.d / units[i+1].d); rest > 0 {
				text += " " + p.T(units[i+1].key, rest)
			}
		}
		return text
	}
	if d == 0 {
		return p.T("duration.seconds", 0)
	}
	return sign + p.T("duration.milliseconds", d.Milliseconds())
}
