package recording

import (
	"fmt"
	"slices"
	"strings"
)

// objects compares two objects: their members, and the order of those that both have.
func (c *comparer) objects(path string, a, b value) {
	inA, inB := memberNames(a), memberNames(b)
	place := placeOf(inB)
	for i, m := range a.members {
		if j, ok := place[inA[i]]; ok {
			c.values(path+"."+inA[i], m.name, m.value, b.members[j].value)
		} else {
			c.add(path+"."+inA[i], FieldMissing, m.String(), "")
		}
	}
	place = placeOf(inA)
	for j, m := range b.members {
		if _, ok := place[inB[j]]; !ok {
			c.add(path+"."+inB[j], FieldAdded, "", m.String())
		}
	}
	c.order(path, KeyOrder, inA, inB)
}

// placeOf returns the position of each name.
func placeOf(names []string) map[string]int {
	place := make(map[string]int, len(names))
	for i, name := range names {
		place[name] = i
	}
	return place
}

// memberNames returns the names of the members of v. A repeated name gets a number.
func memberNames(v value) []string {
	names := make([]string, len(v.members))
	for i, m := range v.members {
		names[i] = m.name
	}
	return numbered(names)
}

// numbered makes names unique: the second "x" becomes "x#2".
func numbered(names []string) []string {
	count := map[string]int{}
	for i, name := range names {
		if count[name]++; count[name] > 1 {
			names[i] = fmt.Sprintf("%s#%d", name, count[name])
		}
	}
	return names
}

// order compares the order of the names that both lists contain.
func (c *comparer) order(path string, k Kind, a, b []string) {
	a, b = common(a, placeOf(b)), common(b, placeOf(a))
	if !slices.Equal(a, b) {
		c.add(path, k, strings.Join(a, ", "), strings.Join(b, ", "))
	}
}

// common returns the names that are in others too.
func common(names []string, others map[string]int) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, ok := others[name]
		return !ok
	})
}

// arrays compares two arrays. If every item says what it is about, items about the same
// are compared, and otherwise those at the same place.
func (c *comparer) arrays(path, field string, a, b value) {
	inA, okA := subjects(a)
	inB, okB := subjects(b)
	if okA && okB && !renamed(inA, inB) {
		c.bySubject(path, field, keyed{a.items, inA}, keyed{b.items, inB})
		return
	}
	for i := range max(len(a.items), len(b.items)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= len(b.items):
			c.add(at, FieldMissing, a.items[i].String(), "")
		case i >= len(a.items):
			c.add(at, FieldAdded, "", b.items[i].String())
		default:
			c.values(at, field, a.items[i], b.items[i])
		}
	}
}

// renamed reports whether two lists differ only in names that the other does not have:
// these are then changed names at the same places.
func renamed(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	inA, inB := placeOf(a), placeOf(b)
	for i := range a {
		_, moved := inB[a[i]]
		_, movedTo := inA[b[i]]
		if a[i] != b[i] && (moved || movedTo) {
			return false
		}
	}
	return true
}

// A keyed is the items of an array with what each is about.
type keyed struct {
	items    []value
	subjects []string
}

// bySubject compares the items of two arrays that are about the same.
func (c *comparer) bySubject(path, field string, a, b keyed) {
	place := map[string]int{}
	for j, subject := range b.subjects {
		place[subject] = j
	}
	for i, subject := range a.subjects {
		at := fmt.Sprintf("%s[%d]", path, i)
		j, ok := place[subject]
		if !ok {
			c.add(at, FieldMissing, a.items[i].String(), "")
			continue
		}
		delete(place, subject)
		c.values(at, field, a.items[i], b.items[j])
	}
	for j, subject := range b.subjects {
		if _, ok := place[subject]; ok {
			c.add(fmt.Sprintf("%s[%d]", path, j), FieldAdded, "", b.items[j].String())
		}
	}
	if !slices.Contains(unordered, field) {
		c.order(path, ItemOrder, a.subjects, b.subjects)
	}
}

// subjects returns what each item of v is about: a text itself, or the id or the tag of an
// object. It returns false if an item does not say.
func subjects(v value) ([]string, bool) {
	names := make([]string, len(v.items))
	for i, item := range v.items {
		subject := item
		for _, field := range []string{"UserID", "To_Account", "Tag", "Platform"} {
			if j := slices.IndexFunc(item.members, func(m member) bool { return m.name == field }); j >= 0 {
				subject = item.members[j].value
				break
			}
		}
		if subject.kind != '"' {
			return nil, false
		}
		names[i] = text(subject)
	}
	return numbered(names), true
}
