package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var anyText = rapid.OneOf(rapid.String(), rapid.StringN(0, 40, 400), rapid.SampledFrom([]string{
	"", " ", " a ", `"`, `a"b`, `\`, "\x00", "\t\r\n", "\r", "\n", "\r\n", "=1+1", "@x", "-1", "'", ",", ";", "\u2028", "中文", "👩‍👩‍👧", "\ufeff", "\ufffd", "\U0010ffff",
}))

// A drawnRow is a row with texts, for tests.
type drawnRow struct {
	ID, Nick, URL string
	Text          *string // value of Tag_A
	Number        *uint64 // value of Tag_B
	Deleted       string
}

func drawRow(t *rapid.T) drawnRow {
	r := drawnRow{ID: "i" + anyText.Draw(t, "id"), Nick: anyText.Draw(t, "nick"), URL: anyText.Draw(t, "url")}
	if rapid.Bool().Draw(t, "text") {
		r.Text = new(anyText.Draw(t, "value"))
	}
	if rapid.Bool().Draw(t, "number") {
		r.Number = new(rapid.Uint64().Draw(t, "n"))
	}
	return r
}

// line returns the line of r as the server writes it.
func (r drawnRow) line() []byte {
	quote := func(s string) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s)
		return strings.TrimSuffix(b.String(), "\n")
	}
	var tags []string
	if r.Text != nil {
		tags = append(tags, `"Tag_A":`+quote(*r.Text))
	}
	if r.Number != nil {
		tags = append(tags, `"Tag_B":`+strconv.FormatUint(*r.Number, 10))
	}
	line := `{"userid":` + quote(r.ID) + `,"nick":` + quote(r.Nick) + `,"face_url":` + quote(r.URL)
	if tags != nil {
		line += `,"profile":{` + strings.Join(tags, ",") + `}`
	}
	return []byte(line + "}\n")
}

// TestRows reads random rows, in pieces of every size.
func TestRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		want := rapid.SliceOfN(rapid.Custom(drawRow), 0, 20).Draw(t, "rows")
		for _, r := range want {
			text = append(text, r.line()...)
		}
		rows := NewRows(iotest.OneByteReader(bytes.NewReader(text)))
		if rapid.Bool().Draw(t, "whole") {
			rows = NewRows(bytes.NewReader(text))
		}
		rows.buf = make([]byte, 16)
		var got []drawnRow
		for {
			row, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			d := drawnRow{ID: string(row.UserID), Nick: string(row.Nick), URL: string(row.FaceURL)}
			for _, tag := range row.Tags {
				if tag.IsNumber != (string(tag.Name) == "Tag_B") {
					t.Fatalf("%s is a number: %v", tag.Name, tag.IsNumber)
				}
				if tag.IsNumber {
					n, _ := strconv.ParseUint(string(tag.Value), 10, 64)
					d.Number = &n
				} else {
					d.Text = new(string(tag.Value))
				}
			}
			got = append(got, d)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestRowsErrors(t *testing.T) {
	broken := errors.New("cut off")
	for text, want := range map[string]string{
		`{"userid":"a"}`: "not whole",
		"{}\n":           "row 1 of the export: it is not of the form",
		`{"userid":"a"}` + "\n" + `{"userid":7}` + "\n": "row 2",
		`{"userid":"a","userid":"b"}` + "\n":            "not of the form",
		`{"userid":"a","new":"b"}` + "\n":               `member "new" is unknown`,
		`{"userid":"a"} ` + "\n":                        "not of the form",
		`{"userid":"\ud800x"}` + "\n":                   "not of the form",
		`{"userid":"a\` + "\n":                          "not of the form",
		`<html>` + "\n":                                 "not of the form",
		strings.Repeat("x", maxLine+1):                  "too long",
	} {
		rows := NewRows(strings.NewReader(text))
		var err error
		for err == nil {
			_, err = rows.Next()
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
	rows := NewRows(io.MultiReader(strings.NewReader(`{"userid":"a"}`+"\n{"), iotest.ErrReader(broken)))
	if row, err := rows.Next(); err != nil || string(row.UserID) != "a" {
		t.Errorf("%+v, %v", row, err)
	}
	if _, err := rows.Next(); err != broken {
		t.Errorf("%v, want the error of the reader", err)
	}
}

// FuzzRow parses anything. What is accepted is what package json finds.
func FuzzRow(f *testing.F) {
	f.Add(drawnRow{ID: "a", Nick: "b\n", Number: new(uint64(7)), Text: new("")}.line())
	f.Add([]byte(`{"userid":"","profile":{},"deleted_at":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var p parser
		var row Row
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if p.parse(line, &row) != nil {
			return
		}
		var want struct {
			UserID string `json:"userid"`
			Nick   string `json:"nick"`
		}
		if !utf8.Valid(line) || json.Unmarshal(line, &want) != nil {
			return // the server writes UTF-8, and escapes what JSON demands
		}
		if want.UserID != string(row.UserID) || want.Nick != string(row.Nick) {
			t.Errorf("%q: %q and %q, want %+v", line, row.UserID, row.Nick, want)
		}
	})
}
