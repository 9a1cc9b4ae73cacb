package account_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

func text(s string) account.Value   { return account.Value{Text: s} }
func number(n uint64) account.Value { return account.Value{Number: n, IsNumber: true} }

// TestSetField applies fields one after the other to one account.
func TestSetField(t *testing.T) {
	var a account.Account
	for _, step := range []struct {
		name string
		set  account.Field
		want []account.Field
	}{
		{"clear of nothing", account.Field{Tag: "m"}, nil},
		{"first", account.Field{Tag: "m", Value: text("1")}, []account.Field{{Tag: "m", Value: text("1")}}},
		{"before it", account.Field{Tag: "c", Value: number(7)}, []account.Field{
			{Tag: "c", Value: number(7)},
			{Tag: "m", Value: text("1")},
		}},
		{"after it", account.Field{Tag: "x", Value: text("3")}, []account.Field{
			{Tag: "c", Value: number(7)},
			{Tag: "m", Value: text("1")},
			{Tag: "x", Value: text("3")},
		}},
		{"again", account.Field{Tag: "m", Value: text("2")}, []account.Field{
			{Tag: "c", Value: number(7)},
			{Tag: "m", Value: text("2")},
			{Tag: "x", Value: text("3")},
		}},
		{"zero is a value", account.Field{Tag: "c", Value: number(0)}, []account.Field{
			{Tag: "c", Value: number(0)},
			{Tag: "m", Value: text("2")},
			{Tag: "x", Value: text("3")},
		}},
		{"clear of one that is not there", account.Field{Tag: "d"}, []account.Field{
			{Tag: "c", Value: number(0)},
			{Tag: "m", Value: text("2")},
			{Tag: "x", Value: text("3")},
		}},
		{"clear of the middle", account.Field{Tag: "m"}, []account.Field{
			{Tag: "c", Value: number(0)},
			{Tag: "x", Value: text("3")},
		}},
	} {
		a.SetField(step.set)
		if diff := cmp.Diff(step.want, a.Profile); diff != "" {
			t.Errorf("%s: profile (-want +got):\n%s", step.name, diff)
		}
	}
	if a.Nick != "" || a.FaceURL != "" {
		t.Errorf("Nick %q and FaceURL %q were set", a.Nick, a.FaceURL)
	}
}

// TestSetFieldCopiesOnWrite checks that SetField does not change copies of the account.
func TestSetFieldCopiesOnWrite(t *testing.T) {
	full := func() account.Account {
		profile := make([]account.Field, 0, 8) // spare capacity, which SetField must not use
		return account.Account{Profile: append(profile, account.Field{Tag: "b", Value: text("1")}, account.Field{Tag: "d", Value: text("2")})}
	}
	for _, f := range []account.Field{
		{Tag: "a", Value: text("new")},
		{Tag: "e", Value: text("new")},
		{Tag: "b", Value: text("new")},
		{Tag: "b"},
	} {
		a := full()
		before := a
		a.SetField(f)
		if diff := cmp.Diff(full(), before); diff != "" {
			t.Errorf("%+v changed the copy (-want +got):\n%s", f, diff)
		}
		if cmp.Equal(a, before) {
			t.Errorf("%+v changed nothing", f)
		}
	}
}

// TestSetNickAndImage checks the two tags that have fields of their own in an Account.
func TestSetNickAndImage(t *testing.T) {
	var a account.Account
	for tag, place := range map[account.Tag]*string{account.TagNick: &a.Nick, account.TagImage: &a.FaceURL} {
		for _, want := range []string{"", "value", "other", ""} {
			a.SetField(account.Field{Tag: tag, Value: text(want)})
			if *place != want || a.Profile != nil {
				t.Errorf("%s set to %q: it is %q, profile %v", tag, want, *place, a.Profile)
			}
			if got, isSet := a.Field(tag); got != text(want) || isSet != (want != "") {
				t.Errorf("Field(%s) = %+v, %v after %q", tag, got, isSet, want)
			}
		}
	}
}

func TestField(t *testing.T) {
	a := account.Account{Nick: "Alice", Profile: []account.Field{
		{Tag: "b", Value: number(0)},
		{Tag: "d", Value: text("words")},
	}}
	for tag, want := range map[account.Tag]account.Value{
		account.TagNick: text("Alice"),
		"b":             number(0),
		"d":             text("words"),
	} {
		if got, ok := a.Field(tag); got != want || !ok {
			t.Errorf("Field(%s) = %+v, %v, want %+v", tag, got, ok, want)
		}
	}
	for _, tag := range []account.Tag{"", "a", "c", "e", account.TagImage, account.TagGender} {
		if got, ok := a.Field(tag); got != (account.Value{}) || ok {
			t.Errorf("Field(%s) = %+v, %v, want none", tag, got, ok)
		}
	}
}
