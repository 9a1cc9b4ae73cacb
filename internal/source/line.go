package source

// A LineParser reads accounts from single lines of JSON, for callers that divide the lines
// themselves. It reuses memory, so it is not safe for concurrent use.
type LineParser struct{ p *objects }

// NewLineParser returns a LineParser. Of o, it uses Map and Ignore, whose mistakes are its
// errors.
func NewLineParser(o Options) (*LineParser, error) {
	p, err := newObjects(o, checker{})
	if err != nil {
		return nil, err
	}
	p.later = true // an unknown key is always a fault of its line
	return &LineParser{p}, nil
}

// Parse sets the fields of a row from a line without its end. A line that is no account is a
// row with a fault. Its bytes are valid until the next call.
func (l *LineParser) Parse(line []byte) Row {
	row := Row{Raw: line}
	_ = l.p.parse(line, &row) // only the first line has errors
	return row
}
