package main

import (
	"cmp"
	"fmt"
	"os"
	"reflect"

	"github.com/alecthomas/kong"
)

// givenTag marks flags and arguments that must not be given as 0 or as an empty text.
// Such a value often comes from a shell variable that is not set. If the command treated
// it as left out, it would work on something that the user did not mean. The value of the
// tag says what to give. By default that is "a value" or, for a number, an SDKAppID.
const givenTag = "given"

// checkGiven refuses empty, zero and negative values of arguments and flags with givenTag.
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

// checkVariables refuses such values of environment variables, unless the flag was given
// too. An empty variable counts as not set.
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

// given returns an error that begins with name if the value v is empty or not above 0.
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
