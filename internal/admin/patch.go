package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
)

func (s *Server) changeApp(ctx context.Context, c *call, req adminapi.AppPatch) (adminapi.App, error) {
	version, err := ifMatch(c.r.Header.Values("If-Match"))
	if err != nil {
		return adminapi.App{}, err
	}
	fields := patched(req)
	if len(fields) == 0 {
		return adminapi.App{}, bad("the body changes nothing; give name, edition, disabled, test or settings")
	}
	settings, err := settingsOf(req)
	if err != nil {
		return adminapi.App{}, err
	}
	return s.withApp(c, func(id account.AppID) (*account.App, error) {
		return s.dir.ChangeApp(ctx, c.actor(), directory.AppChange{
			App: id, Action: "app.change", Detail: strings.Join(fields, ", "),
			Apply: func(a *account.App) error {
				if version != 0 && a.Version != version {
					return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has version %d by now; read it and change that", a.Version)}
				}
				return applyPatch(req, settings, a)
			},
		})
	})
}

// ifMatch returns the version in the header If-Match, or 0 if any version will do.
func ifMatch(headers []string) (uint64, error) {
	if len(headers) == 0 || len(headers) == 1 && headers[0] == "*" {
		return 0, nil
	}
	text, err := strconv.Unquote(headers[0])
	version, parseErr := strconv.ParseUint(text, 10, 64)
	if len(headers) > 1 || err != nil || parseErr != nil || version == 0 {
		return 0, bad(`If-Match is one version in quotes, as "7"`)
	}
	return version, nil
}

// patched names what p changes, for the audit trail.
func patched(p adminapi.AppPatch) []string {
	var names []string
	for name, given := range map[string]bool{"name": p.Name != nil, "edition": p.Edition != nil, "disabled": p.Disabled != nil, "test": p.Test != nil} {
		if given {
			names = append(names, name)
		}
	}
	for name := range p.Settings {
		names = append(names, "settings."+name)
	}
	slices.Sort(names)
	return names
}

// settingsOf returns the settings of p as one value, or nil if p has none. It checks
// their names and forms, and the names of settings that are null.
func settingsOf(p adminapi.AppPatch) (jsontext.Value, error) {
	if p.Settings == nil {
		return nil, nil
	}
	b, err := json.Marshal(p.Settings)
	if err != nil {
		return nil, err
	}
	return b, decode(b, new(account.Settings), "/settings")
}

// applyPatch applies p to a. settings are the settings of p as one value.
func applyPatch(p adminapi.AppPatch, settings jsontext.Value, a *account.App) error {
	if p.Name != nil {
		a.Name = *p.Name
	}
	if p.Edition != nil {
		a.Edition = account.Edition(*p.Edition)
	}
	if p.Disabled != nil {
		a.Disabled = *p.Disabled
	}
	switch {
	case p.Test == nil:
	case *p.Test:
		a.Test = true
	default:
		a.EndTest()
	}
	if settings == nil {
		return nil
	}
	before, err := encode(a.Settings)
	if err != nil {
		return err
	}
	merged, err := mergePatch(before, settings, maxPatchDepth)
	if err != nil {
		return err
	}
	a.Settings = account.Settings{}
	return decode(merged, &a.Settings, "/settings")
}

// maxPatchDepth is greater than the depth of any settings.
const maxPatchDepth = 4

// mergePatch returns target with patch applied (RFC 7396).
func mergePatch(target, patch jsontext.Value, depth int) (jsontext.Value, error) {
	if patch.Kind() != '{' {
		return patch, nil
	}
	if depth == 0 {
		return nil, bad("/settings in the body is nested too deep")
	}
	changes, err := members(patch)
	if err != nil {
		return nil, err
	}
	merged := map[string]jsontext.Value{}
	if target.Kind() == '{' {
		if merged, err = members(target); err != nil {
			return nil, err
		}
	}
	for name, value := range changes {
		if value.Kind() == 'n' {
			delete(merged, name)
			continue
		}
		if merged[name], err = mergePatch(merged[name], value, depth-1); err != nil {
			return nil, err
		}
	}
	return json.Marshal(merged)
}

// members returns the members of a JSON object.
func members(object jsontext.Value) (m map[string]jsontext.Value, err error) {
	return m, json.Unmarshal(object, &m)
}
