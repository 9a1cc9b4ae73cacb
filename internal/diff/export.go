package diff

import (
	"bytes"
	"errors"
	"io"

	"rollcall/internal/exporter"
)

var errOrder = errors.New("the export is not in the order of ids: is the server a Rollcall?")

// Export returns the accounts of an export, without its deleted ids.
func Export(r io.Reader) Rows {
	return func(yield func(*Row, error) bool) {
		rows, row := exporter.NewRows(r), new(Row)
		var last []byte
		names := map[string]string{} // so that a tag costs no allocation for its name
		for {
			e, err := rows.Next()
			if err == io.EOF {
				return
			}
			if err == nil && bytes.Compare(e.UserID, last) <= 0 {
				err = errOrder
			}
			if err != nil {
				yield(nil, err)
				return
			}
			last = append(last[:0], e.UserID...)
			if e.Deleted != nil {
				continue
			}
			row.ID, row.Nick, row.FaceURL, row.Tags = e.UserID, e.Nick, e.FaceURL, row.Tags[:0]
			for _, t := range e.Tags {
				name, ok := names[string(t.Name)]
				if !ok {
					name = string(t.Name)
					names[name] = name
				}
				row.Tags = append(row.Tags, Tag{name, string(t.Value), t.IsNumber})
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}
