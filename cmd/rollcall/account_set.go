package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rollcall/client"
	"rollcall/internal/config"
)

type accountSetCmd struct {
	UserID string   `arg:"" name:"userid" given:"" help:"The account."`
	Fields []string `arg:"" name:"field" help:"FIELD=VALUE: a tag, or nick, face_url, gender, birthday, location, signature, level, role, language; an empty value clears it. FIELD:=NUMBER sets a custom tag that takes numbers."`
}

// Help is shown by rollcall account set --help.
func (accountSetCmd) Help() string {
	return `All fields are set, or none if one is refused. A custom tag must be declared first:
the second example does that.

Examples:
  rollcall account set alice nick='Alice L.' level=7
  rollcall app set --setting custom_tags='[{"key":"team"},{"key":"score","number":true}]'
  rollcall account set alice Tag_Profile_Custom_team=red
  rollcall account set alice Tag_Profile_Custom_score:=12`
}

func (c *accountSetCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	fields := make([]client.Field, len(c.Fields))
	for i, text := range c.Fields {
		var err error
		if fields[i], err = parseField(text); err != nil {
			return err
		}
	}
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	g.target(env, g.SDKAppID)
	if err := api.SetProfile(ctx, c.UserID, fields...); err != nil {
		return err
	}
	return printResults(env, g, []client.Result{{UserID: c.UserID}}, "set", nil)
}

// shortTags maps the short names that users type to the standard tags.
var shortTags = map[string]string{
	"nick": client.TagNick, "face_url": client.TagImage, "gender": client.TagGender, "birthday": client.TagBirthDay,
	"location": client.TagLocation, "signature": client.TagSelfSignature, "level": client.TagLevel, "role": client.TagRole,
	"language": client.TagLanguage,
}

// numberTags are the standard tags that take numbers.
var numberTags = []string{client.TagBirthDay, client.TagLanguage, client.TagMsgSettings, client.TagLevel, client.TagRole}

// parseField reads FIELD=VALUE or FIELD:=NUMBER.
func parseField(text string) (client.Field, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return client.Field{}, &usageError{fmt.Errorf("%q is not of the form FIELD=VALUE", text)}
	}
	name, number := strings.CutSuffix(name, ":")
	tag := name
	if err := checkField(name); err != nil {
		return client.Field{}, err
	}
	if long, ok := shortTags[strings.ToLower(name)]; ok {
		tag = long
	}
	if !number && !slices.Contains(numberTags, tag) {
		return client.Text(tag, value), nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		form := ""
		if tag == client.TagBirthDay {
			form = ": write the day as 19990131"
		}
		return client.Field{}, &usageError{fmt.Errorf("%s takes a number, not %q%s", name, value, form)}
	}
	return client.Number(tag, n), nil
}

// checkField refuses a name that is neither a short name nor a tag. Every tag begins
// with Tag_.
func checkField(name string) error {
	short := slices.Sorted(maps.Keys(shortTags))
	if strings.HasPrefix(name, "Tag_") || slices.Contains(short, strings.ToLower(name)) {
		return nil
	}
	hint := "give one of " + strings.Join(short, ", ") + "."
	if near := config.Nearest(strings.ToLower(name), short); near != "" {
		hint = "did you mean " + near + "?"
	}
	return &usageError{fmt.Errorf("there is no field %q: %s The name of a custom tag begins with Tag_Profile_Custom_", name, hint)}
}
