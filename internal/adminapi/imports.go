package adminapi

import "time"

// States of an [Import].
const (
	ImportOpen     = "open"     // a stream that has not ended; it may be cut and go on with another request
	ImportQueued   = "queued"   // a job that waits for its turn
	ImportRunning  = "running"  // a job that is being worked on
	ImportPaused   = "paused"   // goes on when it is resumed
	ImportDone     = "done"     // every row is imported or rejected
	ImportFailed   = "failed"   // a job that cannot go on; its error says why
	ImportCanceled = "canceled" // ended by a call; its rows stay imported
)

// An Import is a bulk import of accounts: a stream, or a job of the server.
type Import struct {
	Key           string    `json:"key"`
	State         string    `json:"state" schema:"importstate"`
	Job           bool      `json:"job"` // whether the server reads a file; otherwise clients send the rows
	Row           int64     `json:"row"` // the last row whose verdict is durable; rows are counted from 1
	Imported      int64     `json:"imported"`
	Created       int64     `json:"created"` // accounts that were new, of the imported rows
	Failed        int64     `json:"failed"`  // rows that were rejected
	Skipped       int64     `json:"skipped"` // empty rows: a client sends one for a row that it rejects by itself
	Rate          int64     `json:"rate"`    // limit in rows per second; 0 for none
	RowsPerSecond float64   `json:"rows_per_second,omitzero"`
	Percent       float64   `json:"percent,omitzero"` // of the file of a job that is running
	ETASeconds    int64     `json:"eta_s,omitzero"`   // until the end of a job that is running
	File          string    `json:"file,omitempty"`   // of a job, as it was given
	Node          string    `json:"node,omitempty"`   // of a job: the server that has the file, if several share the store
	Error         string    `json:"error,omitempty"`  // why the state is failed
	Actor         string    `json:"actor"`            // name of the token that began it
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	FinishedAt    time.Time `json:"finished_at,omitzero"` // end of the import; the server forgets it seven days later
}

// Ended reports whether nothing can change i any more.
func (i *Import) Ended() bool {
	return i.State == ImportDone || i.State == ImportFailed || i.State == ImportCanceled
}

// ImportPage is one page of imports.
type ImportPage struct {
	Imports    []Import `json:"imports"`
	NextCursor string   `json:"next_cursor"` // "" on the last page
}

// An ImportRejection is a row that was not imported, and why.
type ImportRejection struct {
	Row    int64  `json:"row"`
	Line   int    `json:"line,omitzero"`    // of the file of a job
	UserID string `json:"userid,omitempty"` // shortened if it is too long for an id
	Code   int    `json:"code"`             // error code of account_import; 0 if the row is no account at all
	Reason string `json:"reason"`           // what is wrong and what to do, in one sentence
}

// ImportRejectionPage is one page of rejections, in the order of their rows.
type ImportRejectionPage struct {
	Rejected  []ImportRejection `json:"rejected"`
	NextAfter int64             `json:"next_after,omitzero"` // value of after for the next page; absent on the last page
}

// ImportPatch is a change of an import.
type ImportPatch struct {
	Rate *int64 `json:"rate"` // limit in rows per second, at most 1000000000; 0 for none
}

// NewImport is a job to create from a file on the server, below the directory of
// --import-dir.
type NewImport struct {
	Key       string            `json:"key,omitempty"`       // 1 to 64 letters, digits, -, _ and .; the server makes one if it is absent
	File      string            `json:"file"`                // path below the directory
	Format    string            `json:"format,omitempty"`    // csv, tsv, ndjson, json, ids or xlsx; found out if absent
	Encoding  string            `json:"encoding,omitempty"`  // such as gbk; found out if absent
	Delimiter string            `json:"delimiter,omitempty"` // one character, or tab; found out if absent
	Sheet     string            `json:"sheet,omitempty"`     // of a workbook; the first one if absent
	Map       map[string]string `json:"map,omitempty"`       // from a column or key to userid, nick or face_url
	Ignore    []string          `json:"ignore,omitempty"`    // columns and keys to drop
}
