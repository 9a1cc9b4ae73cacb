// Package diff compares two directories of accounts: exports, files, and services that can
// only be asked about ids. Memory does not depend on their size: exports come sorted, and
// files are sorted on disk.
package diff

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strconv"
)

// A Row is an account. Its bytes are valid until the next one is read.
type Row struct {
	ID, Nick, FaceURL []byte
	Tags              []Tag // that are set, in the order of their names
}

// A Tag is a profile tag besides nick and picture. Value is a text or, if IsNumber is set,
// a number in decimal digits.
type Tag struct {
	Name, Value string
	IsNumber    bool
}

// clone returns a copy of r that shares no memory with it.
func (r *Row) clone() *Row {
	return &Row{bytes.Clone(r.ID), bytes.Clone(r.Nick), bytes.Clone(r.FaceURL), slices.Clone(r.Tags)}
}

// Rows yields accounts in the byte order of their ids, each id once. An error ends it.
type Rows = iter.Seq2[*Row, error]

// Fields says which fields are compared besides the ids.
type Fields struct{ Nick, FaceURL, Profile bool }

// And returns the fields that are in both.
func (f Fields) And(g Fields) Fields {
	return Fields{f.Nick && g.Nick, f.FaceURL && g.FaceURL, f.Profile && g.Profile}
}

// All contains every field.
var All = Fields{true, true, true}

// Kinds of differences.
const (
	OnlyA   = "only_a"
	OnlyB   = "only_b"
	Changed = "changed"
)

// A Difference is an id that is not the same in A and B.
type Difference struct {
	Kind   string  `json:"kind"`
	UserID string  `json:"userid"`
	Fields []Field `json:"fields,omitempty"` // that differ, if the id is in both
}

// A Field is a field that differs. A value is empty if the field is not set. Numbers are in
// digits, and texts in quotes where a number is on the other side.
type Field struct {
	Name string `json:"name"` // nick, face_url, or the tag
	A    string `json:"a"`
	B    string `json:"b"`
}

// Counts summarizes a comparison.
type Counts struct {
	A       int64 `json:"a"` // accounts
	B       int64 `json:"b"`
	OnlyA   int64 `json:"only_a"`
	OnlyB   int64 `json:"only_b"`
	Changed int64 `json:"changed"`
	Equal   int64 `json:"equal"`
}

// A Comparison compares A and B.
type Comparison struct {
	Fields Fields
	Each   func(*Difference) error // is called for each difference, in the order of ids
	Counts Counts                  // so far
}

// Merge compares two directories that are sorted.
func (c *Comparison) Merge(a, b Rows) error {
	nextA, stopA := iter.Pull2(a)
	defer stopA()
	nextB, stopB := iter.Pull2(b)
	defer stopB()
	rowA, errA, okA := nextA()
	rowB, errB, okB := nextB()
	for okA || okB {
		if err := cmp.Or(errA, errB); err != nil {
			return err
		}
		order := 0
		switch {
		case !okA:
			order = 1
		case !okB:
			order = -1
		default:
			order = bytes.Compare(rowA.ID, rowB.ID)
		}
		one, other := rowA, rowB
		if order > 0 {
			one = nil
		}
		if order < 0 {
			other = nil
		}
		if err := c.pair(one, other); err != nil {
			return err
		}
		if order <= 0 {
			rowA, errA, okA = nextA()
		}
		if order >= 0 {
			rowB, errB, okB = nextB()
		}
	}
	return nil
}

// pair compares an account in A and in B. One of them may be nil.
func (c *Comparison) pair(a, b *Row) error {
	d := &Difference{}
	switch {
	case b == nil:
		c.Counts.A++
		c.Counts.OnlyA++
		d.Kind, d.UserID = OnlyA, string(a.ID)
	case a == nil:
		c.Counts.B++
		c.Counts.OnlyB++
		d.Kind, d.UserID = OnlyB, string(b.ID)
	default:
		c.Counts.A++
		c.Counts.B++
		if d.Fields = c.fields(a, b); d.Fields == nil {
			c.Counts.Equal++
			return nil
		}
		c.Counts.Changed++
		d.Kind, d.UserID = Changed, string(a.ID)
	}
	return c.Each(d)
}

// fields returns the fields that differ.
func (c *Comparison) fields(a, b *Row) (fs []Field) {
	if c.Fields.Nick && !bytes.Equal(a.Nick, b.Nick) {
		fs = append(fs, Field{"nick", string(a.Nick), string(b.Nick)})
	}
	if c.Fields.FaceURL && !bytes.Equal(a.FaceURL, b.FaceURL) {
		fs = append(fs, Field{"face_url", string(a.FaceURL), string(b.FaceURL)})
	}
	if !c.Fields.Profile || slices.Equal(a.Tags, b.Tags) {
		return fs
	}
	names := map[string]bool{}
	for _, t := range slices.Concat(a.Tags, b.Tags) {
		names[t.Name] = true
	}
	for _, name := range sortedKeys(names) {
		x, y := a.tag(name), b.tag(name)
		if x == y {
			continue
		}
		f := Field{name, x.Value, y.Value}
		if x.IsNumber != y.IsNumber {
			f.A, f.B = x.quoted(), y.quoted()
		}
		fs = append(fs, f)
	}
	return fs
}

func sortedKeys(m map[string]bool) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tag returns the tag of a name, or a Tag without a value.
func (r *Row) tag(name string) Tag {
	for _, t := range r.Tags {
		if t.Name == name {
			return t
		}
	}
	return Tag{Name: name}
}

// quoted returns the value, in quotes if it is a text that is not empty.
func (t Tag) quoted() string {
	if t.IsNumber || t.Value == "" {
		return t.Value
	}
	return strconv.Quote(t.Value)
}
