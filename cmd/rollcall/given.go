package main

import (
	"cmp"
	"fmt"
	"os"
	"reflect"

	"github.com/alecthomas/kong"
)

// A flag or an argument with the tag given names something or bounds it, and what
// was left out is taken from elsewhere, or bounds nothing. A 0 or an empty text
// that somebody did give, most often out of a variable that is not set, must not
// be taken for left out: the command would work on something else than was meant.
// The value of the tag says what to give; by default it is a value or, where a
// number is asked for, an SDKAppID.
const givenTag = "given"

// checkGiven refuses such values, and negative ones.
func checkGiven(k *kong.Context) error {
	for _, p := range k.Path {
		var err error
		switch {
		case p.Positional != nil:
			err = given("the "+p.Positional.Name, p.Positional)
		case p.Flag != nil:
			err = given("--"+p.Flag.Name, p.Flag.Value)
		}
		if err != nil {
			return err
		}
	}
	return checkVariables(k.Flags())
}

// checkVariables refuses such values of the environment, unless a flag was given
// too. An empty variable is as none.
func checkVariables(flags []*kong.Flag) error {
	for _, f := range flags {
		for _, name := range f.Tag.Envs {
			if os.Getenv(name) == "" {
				continue
			}
			if err := given(name, f.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// given says what is wrong with a value that stands under a name.
func given(name string, v *kong.Value) error {
	if !v.Tag.Has(givenTag) || !nothing(v.Target) {
		return nil
	}
	remedy := v.Tag.Get(givenTag)
	if v.Target.Kind() == reflect.String {
		return fmt.Errorf("%s is empty: give %s", name, cmp.Or(remedy, "a value"))
	}
	return fmt.Errorf("%s is %v: give %s", name, v.Target, cmp.Or(remedy, "an SDKAppID from 1 to 4294967295"))
}

// nothing reports whether v is empty or, as a number, not above 0.
func nothing(v reflect.Value) bool {
	switch {
	case v.CanInt():
		return v.Int() <= 0
	case v.CanFloat():
		return v.Float() <= 0
	}
	return v.IsZero()
}
