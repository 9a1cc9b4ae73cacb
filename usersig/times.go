package usersig

import (
	"fmt"
	"time"
)

// maxValidity is the longest validity that the vendor's documents allow, in
// seconds: 50 years, counted as leap years.
const maxValidity = 50 * 366 * day

const day = 24 * 60 * 60

// allowedSkew is the number of seconds by which correct clocks may differ.
const allowedSkew = 5

// timeWarning says what is implausible about the times of s, whether or not s
// is valid. It returns "" if nothing is.
func (s *Sig) timeWarning(now time.Time) string {
	sec := now.Unix()
	switch {
	case plausible(s.IssuedAt/1000, sec) && !plausible(s.IssuedAt, sec):
		return fmt.Sprintf("TLS.time is %d, which looks like milliseconds; it is in seconds (%d)", s.IssuedAt, s.IssuedAt/1000)
	case s.Expire > maxValidity:
		return s.longValidity(sec)
	case s.Expired(now) && 0 < s.Expire && s.Expire < day && s.IssuedAt > sec-day:
		return fmt.Sprintf("it is valid for %s; if it was signed just now, the signer's clock is %s behind: compare the clocks", seconds(s.Expire), seconds(sec-s.IssuedAt))
	case s.IssuedAt > sec+allowedSkew:
		return fmt.Sprintf("issued %d seconds in the future (%s), which is accepted: the signer's clock is fast, or this one is behind; compare the clocks", s.IssuedAt-sec, clock(s.IssuedAt))
	}
	return ""
}

func seconds(n int64) string {
	if n == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", n)
}

// longValidity says what was probably meant by a validity of more than 50
// years.
func (s *Sig) longValidity(now int64) string {
	long := fmt.Sprintf("TLS.expire is %d seconds, and the documents allow 50 years at most; it is a length in seconds", s.Expire)
	switch {
	case plausible(s.Expire, now):
		return fmt.Sprintf("%s, and this looks like a point in time (%s): give the length alone", long, clock(s.Expire))
	case s.Expire/1000 <= maxValidity:
		return fmt.Sprintf("%s, and this looks like milliseconds (%d seconds)", long, s.Expire/1000)
	case plausible(s.Expire/1000, now):
		return fmt.Sprintf("%s, and this looks like a point in time in milliseconds (%s): give the length alone", long, clock(s.Expire/1000))
	}
	return long
}

// plausible reports whether n may be meant as a point in time: a Unix second
// within 50 years of now.
func plausible(n, now int64) bool {
	return n > now-maxValidity && n < now+maxValidity && n > maxValidity/2
}
