package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/client"
)

// maxLine is the longest line of a file of accounts, in bytes: an account needs
// at most 4 KiB, however it is escaped.
const maxLine = 64 << 10

// A Row is one account of a file.
type Row struct {
	Line    int // from 1
	Account client.Account
	Fault   string // why the line is not an account; "" if it is one
}

// Read reads a file of accounts in one of three forms, told apart by its first
// line: an id in each line; a JSON object in each line with the keys userid, nick
// and face_url; CSV whose header names these. A line of the first two forms has
// at most 64 KiB. An error ends it; a line that makes no sense does not. Nothing is
// read before the iteration begins.
func Read(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) { open(r)(yield) }
}

// open reads the beginning of r and returns the rows in the form that it has.
func open(r io.Reader) iter.Seq2[Row, error] {
	in := bufio.NewReaderSize(r, maxLine)
	if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(len(bom)) // it was there
	}
	head, _ := in.Peek(maxLine) // an error shows when it is read
	first, _, _ := bytes.Cut(head, []byte("\n"))
	first = bytes.TrimSpace(first)
	switch {
	case bytes.HasPrefix(first, []byte("{")):
		return readLines(in, jsonRow)
	case isHeader(string(first)):
		return readCSV(in)
	case strangeHeader(string(first)):
		return func(yield func(Row, error) bool) { yield(Row{}, errHeader) }
	}
	return readLines(in, plainRow)
}

var errHeader = errors.New("line 1 looks like the header of a table without commas: write userid,nick,face_url with commas between, there and in every line")

// strangeHeader reports whether line was meant as a header but is not one. It begins with
// the word userid and a separator other than a comma. Without this check every line of
// such a file would be imported as an ID.
func strangeHeader(line string) bool {
	const word = "userid"
	line = strings.TrimLeft(line, `"`)
	if len(line) <= len(word) || !strings.EqualFold(line[:len(word)], word) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(line[len(word):])
	return !unicode.IsLetter(next) && !unicode.IsDigit(next) && !strings.ContainsRune("_-.@", next)
}

// isHeader reports whether line is the first of a CSV file.
func isHeader(line string) bool {
	return slices.ContainsFunc(strings.Split(line, ","), func(name string) bool {
		return strings.EqualFold(strings.Trim(name, `" `), "userid")
	})
}

// readLines reads a file with one account in a line. It skips empty lines.
func readLines(r io.Reader, parse func(text []byte) (client.Account, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		n := 0
		for lines.Scan() {
			n++
			text := bytes.TrimSpace(lines.Bytes())
			if len(text) == 0 {
				continue
			}
			a, err := parse(text)
			if !yield(newRow(n, a, err), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Row{}, fmt.Errorf("line %d: %w", n+1, err))
		}
	}
}

// NewRow returns the row of an account, which has a fault if JSON cannot carry it.
func NewRow(line int, a client.Account) Row { return newRow(line, a, nil) }

func newRow(line int, a client.Account, err error) Row {
	r := Row{Line: line, Account: a}
	if err != nil {
		r.Fault = err.Error()
	} else if !validUTF8(a) {
		r.Fault = notUTF8
	}
	return r
}

// notUTF8 is the fault of a line that JSON cannot carry as it is.
const notUTF8 = "not valid UTF-8; save the file in that encoding"

func validUTF8(a client.Account) bool {
	return utf8.ValidString(a.UserID) && utf8.ValidString(a.Nick) && utf8.ValidString(a.FaceURL)
}

func plainRow(text []byte) (client.Account, error) { return client.Account{UserID: string(text)}, nil }

func jsonRow(text []byte) (client.Account, error) {
	var a struct {
		UserID  *string `json:"userid"`
		Nick    string  `json:"nick"`
		FaceURL string  `json:"face_url"`
	}
	if !utf8.Valid(text) {
		return client.Account{}, errors.New(notUTF8) // otherwise the decoder would replace the invalid bytes
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return client.Account{}, errors.New("not a JSON object with texts: userid, nick, face_url")
	}
	if a.UserID == nil {
		return client.Account{}, errors.New("the object has no userid")
	}
	return client.Account{UserID: *a.UserID, Nick: a.Nick, FaceURL: a.FaceURL}, nil
}

// readCSV reads CSV with a header.
func readCSV(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		in := csv.NewReader(r)
		in.FieldsPerRecord = -1 // checked below, for a better message
		header, err := in.Read()
		if err != nil {
			yield(Row{}, err)
			return
		}
		columns, err := csvColumns(header)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for {
			record, err := in.Read()
			if err == io.EOF {
				return
			}
			syntax, ok := errors.AsType[*csv.ParseError](err)
			switch {
			case ok && syntax.Line == syntax.StartLine: // one that runs on has swallowed good lines
				if !yield(Row{Line: syntax.StartLine, Fault: syntax.Err.Error()}, nil) {
					return
				}
			case err != nil:
				yield(Row{}, err)
				return
			default:
				line, _ := in.FieldPos(0)
				a, err := csvRow(record, columns)
				if !yield(newRow(line, a, err), nil) {
					return
				}
			}
		}
	}
}

// csvColumns returns the field of each column.
func csvColumns(header []string) ([]string, error) {
	columns := make([]string, len(header))
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains([]string{"userid", "nick", "face_url"}, name) || slices.Contains(columns, name) {
			return nil, fmt.Errorf("line 1: column %q: a header has userid, nick and face_url, each once", name)
		}
		columns[i] = name
	}
	return columns, nil
}

func csvRow(record, columns []string) (client.Account, error) {
	if len(record) != len(columns) {
		return client.Account{}, fmt.Errorf("%d fields, and %d in the header", len(record), len(columns))
	}
	var a client.Account
	for i, name := range columns {
		switch name {
		case "userid":
			a.UserID = record[i]
		case "nick":
			a.Nick = record[i]
		case "face_url":
			a.FaceURL = record[i]
		}
	}
	return a, nil
}
