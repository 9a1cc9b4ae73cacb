package importer

import (
	"iter"
	"unicode/utf8"

	"rollcall/client"
	"rollcall/internal/source"
)

// A Row is an account to import, or a record of a file that is none.
type Row struct {
	File    string // empty for an argument
	Line    int    // from 1; or which argument
	Account client.Account
	Fault   string // why it is not an account; "" if it is one
}

// NewRow returns the row of an argument, which has a fault if JSON cannot carry it.
func NewRow(line int, a client.Account) Row {
	r := Row{Line: line, Account: a}
	if !utf8.ValidString(a.UserID) || !utf8.ValidString(a.Nick) || !utf8.ValidString(a.FaceURL) {
		r.Fault = "it is not UTF-8: write it in that encoding"
	}
	return r
}

// Rows returns copies of the rows of files, which stay valid.
func Rows(files iter.Seq2[*source.Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for r, err := range files {
			if err != nil {
				yield(Row{}, err)
				return
			}
			a := client.Account{UserID: string(r.UserID), Nick: string(r.Nick), FaceURL: string(r.FaceURL)}
			if !yield(Row{File: r.File.Name, Line: r.Line, Account: a, Fault: r.Fault}, nil) {
				return
			}
		}
	}
}
