package adminapi

// ImportReport says what an import of a file would do.
type ImportReport struct {
	Rows         int64           `json:"rows"`
	Accepted     int64           `json:"accepted"`          // rows that would be imported
	Rejected     int64           `json:"rejected"`          // rows that would not
	Accounts     int64           `json:"accounts"`          // different ids of the accepted rows
	Duplicates   int64           `json:"duplicates"`        // accepted rows whose id a later row has, too
	CaseVariants int64           `json:"case_variants"`     // accepted rows whose id differs from an earlier one in case alone
	Tagged       int64           `json:"tagged"`            // accepted rows with further tags
	Stopped      string          `json:"stopped,omitempty"` // why the file was not read to its end; the counts are those before
	Rejections   []ImportProblem `json:"rejections"`        // those of most rows first
	Warnings     []ImportProblem `json:"warnings"`          // about accepted rows
	Quota        int64           `json:"quota,omitzero"`    // accounts that the app may have; absent without a limit
	Count        int64           `json:"count"`             // accounts that the app has
	OverQuota    int64           `json:"over_quota"`        // accounts that the quota refuses, if all are new
}

// An ImportProblem is something that is wrong with rows, or suspicious.
type ImportProblem struct {
	What     string          `json:"what"` // one sentence with the remedy
	Rows     int64           `json:"rows"`
	Examples []ImportExample `json:"examples"` // the first rows, at most 10
}

// An ImportExample is a row with a problem.
type ImportExample struct {
	Line        int    `json:"line"`                   // of the file
	UserID      string `json:"userid,omitempty"`       // its first bytes; absent if it is unknown
	Value       string `json:"value,omitempty"`        // its first bytes, if another value than the id is wrong
	LaterLine   int    `json:"later_line,omitzero"`    // of the row that collides with it
	LaterUserID string `json:"later_userid,omitempty"` // of that row
}
