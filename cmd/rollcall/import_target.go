package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rollcall/client"
	"rollcall/internal/region"
)

// A target is the app into which accounts are imported. Only the name is known if there is
// no server, as for a dry run.
type target struct {
	name    string              // for people: "http://127.0.0.1:7580, app 1400000001"; "" without a server
	vendor  bool                // the service of the vendor, not a Rollcall
	api     *client.Client      // nil if there is no key to sign with
	admin   *client.AdminClient // nil without a token
	app     *client.App         // with its settings; nil if no token may read it
	count   int64               // accounts that it has; -1 if unknown
	limits  map[string]float64  // calls a second of a command that the run makes at most; 0 or none: no limit
	limited string              // what limits them, such as "the app"
}

// limitOf returns how many calls of a command a second the run makes at most, or 0 for no
// limit.
func (t *target) limitOf(command string) float64 { return t.limits[command] }

// vendorTarget is the beginning of a --to that names a data centre of the vendor.
const vendorTarget = "tencent:"

// targetURL returns the URL of a target: of a Rollcall as it is, of the vendor that of a
// data centre.
func targetURL(to string) (url string, vendor bool, err error) {
	name, vendor := strings.CutPrefix(to, vendorTarget)
	if !vendor {
		return to, false, nil
	}
	host := region.Host(name)
	if host == "" {
		return "", false, fmt.Errorf("the vendor has no data centre %q: give %s and one of %s", name, vendorTarget, strings.Join(region.Names(), ", "))
	}
	return "https://" + host, true, nil
}

// resolve finds out what the target is. If it is optional, a missing server or key is no
// error.
func (c *importCmd) resolve(ctx context.Context, env *environment, optional bool) (*target, error) {
	return nil, errors.New("not yet")
}
