package main

import (
	"fmt"

	"rollcall/internal/source"
)

// sourceFlags say what files of accounts are. They are embedded in commands that read such
// files.
type sourceFlags struct {
	Format    string            `enum:",csv,tsv,ndjson,json,ids,xlsx" default:"" placeholder:"FORMAT" help:"csv, tsv, ndjson, json, ids or xlsx (default: what the content is; never ids)."`
	Encoding  string            `enum:",utf-8,utf-16le,utf-16be,gbk,gb18030,big5,shift_jis,euc-kr,windows-1252" default:"" placeholder:"NAME" help:"Encoding of a text without a mark of it, such as gbk (default: utf-8)."`
	Delimiter string            `placeholder:"CHARACTER" help:"What is between the columns of a table: a character, or tab (default: what the header has)."`
	Sheet     string            `placeholder:"NAME" help:"Sheet of a workbook (default: the first)."`
	Map       map[string]string `placeholder:"COLUMN=FIELD" mapsep:"none" help:"Column or key that has the userid, nick or face_url; may be repeated."`
	Ignore    []string          `placeholder:"COLUMN" help:"Columns or keys to leave out; may be repeated."`
}

// options returns what the flags say about files.
func (f *sourceFlags) options() (source.Options, error) {
	o := source.Options{Format: source.Format(f.Format), Encoding: f.Encoding, Sheet: f.Sheet, Map: f.Map, Ignore: f.Ignore}
	switch {
	case f.Delimiter == "tab":
		o.Delimiter = '\t'
	case len(f.Delimiter) > 1:
		return o, &usageError{fmt.Errorf("--delimiter is %q: give one character of ASCII, or tab", f.Delimiter)}
	case f.Delimiter != "":
		o.Delimiter = f.Delimiter[0]
	}
	if err := o.Check(); err != nil {
		return o, &usageError{err}
	}
	return o, nil
}
