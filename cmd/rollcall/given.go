package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// A flag or an argument with the tag given:"" names something, and what was left
// out is taken from elsewhere. A 0 or an empty text that somebody did give, most
// often out of a variable that is not set, must not be taken for left out: the
// command would work on something else than was meant.
const givenTag = "given"

// checkGiven refuses such values. What the environment holds is not looked at:
// an empty variable is as none.
func checkGiven(k *kong.Context) error {
	for _, p := range k.Path {
		value, name := p.Positional, ""
		switch {
		case value != nil:
			name = "the " + value.Name
		case p.Flag != nil:
			value, name = p.Flag.Value, "--"+p.Flag.Name
		default:
			continue
		}
		if !value.Tag.Has(givenTag) || !value.Target.IsZero() {
			continue
		}
		if value.Target.CanUint() {
			return fmt.Errorf("%s is 0, which names none: give an SDKAppID from 1 to 4294967295", name)
		}
		return fmt.Errorf("%s is empty: give a value", name)
	}
	return nil
}
