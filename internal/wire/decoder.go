package wire

// keepText is the size in bytes of the largest buffer for escaped texts that a
// [Decoder] keeps. Without this limit a few huge bodies would occupy their
// memory for ever.
const keepText = 64 << 10

// A Decoder decodes the request bodies of the busiest commands without
// allocating. It accepts the same input as [Decode] and returns the same
// result. It parses common shapes itself and passes all others to Decode.
//
// The result of a method shares memory with the body and with the Decoder. It
// is valid until the body changes, until another method is called, or until
// Reset. The zero Decoder is ready for use. A Decoder must not be used by two
// goroutines at the same time.
type Decoder struct {
	imports MultiImportRequest
	single  ImportRequest
	check   CheckRequest
	status  StatusRequest
	text    []byte
	scanner scanner
}

// scan resets d and returns a scanner of body.
func (d *Decoder) scan(body []byte) *scanner {
	d.Reset()
	d.scanner = scanner{b: body, text: &d.text}
	return &d.scanner
}

// Reset drops all references to the last body, which can then be freed. It
// keeps memory for the next body.
func (d *Decoder) Reset() {
	d.single, d.scanner = ImportRequest{}, scanner{}
	forget(&d.imports.AccountList)
	forget(&d.imports.Accounts)
	forget(&d.check.CheckItem)
	forget(&d.status.To_Account)
	d.status = StatusRequest{To_Account: d.status.To_Account}
	if d.text = d.text[:0]; cap(d.text) > keepText {
		d.text = nil
	}
}

// forget empties l and sets its former items to zero.
func forget[T any](l *List[T]) {
	clear(l.V)
	*l = List[T]{V: l.V[:0]}
}

// MultiImport decodes the body of multiaccount_import. Errors are those of
// [Decode].
func (d *Decoder) MultiImport(body []byte) (*MultiImportRequest, error) {
	s := d.scan(body)
	if s.accept('{') && d.batch(s) && s.accept('}') && s.end() {
		return &d.imports, nil
	}
	return decodeNew[MultiImportRequest](body)
}

// batch reads the only member of a batch, in either of its forms.
func (d *Decoder) batch(s *scanner) bool {
	switch string(s.key()) {
	case "AccountList":
		return list(s, &d.imports.AccountList, MaxBatch, (*scanner).importItem)
	case "Accounts":
		return list(s, &d.imports.Accounts, MaxBatch, (*scanner).id)
	}
	return false
}

func (s *scanner) importItem(o *Object[ImportItem]) bool {
	o.Kind = Valid
	members := [...]member{{"UserID", &o.V.UserID}, {"Nick", &o.V.Nick}, {"FaceUrl", &o.V.FaceUrl}}
	return s.object(members[:])
}

// id reads an item of a list of ids. It refuses null.
func (s *scanner) id(t *Text) bool { return s.value(t) && t.Kind == Valid }

// Check decodes the body of account_check. Errors are those of [Decode].
func (d *Decoder) Check(body []byte) (*CheckRequest, error) {
	s := d.scan(body)
	if s.accept('{') && string(s.key()) == "CheckItem" && list(s, &d.check.CheckItem, MaxBatch, (*scanner).idItem) && s.accept('}') && s.end() {
		return &d.check, nil
	}
	return decodeNew[CheckRequest](body)
}

func (s *scanner) idItem(o *Object[IDItem]) bool {
	o.Kind = Valid
	members := [...]member{{"UserID", &o.V.UserID}}
	return s.object(members[:])
}

// Status decodes the body of query_online_status. Errors are those of [Decode].
func (d *Decoder) Status(body []byte) (*StatusRequest, error) {
	s := d.scan(body)
	if s.accept('{') && d.statusMembers(s) && s.end() {
		return &d.status, nil
	}
	return decodeNew[StatusRequest](body)
}

// statusMembers reads the members of a StatusRequest, each at most once, and the end of the
// object.
func (d *Decoder) statusMembers(s *scanner) bool {
	r := &d.status
	flags := [...]struct {
		name string
		to   *Flag
	}{{"IsNeedDetail", &r.IsNeedDetail}, {"IsReturnInstid", &r.IsReturnInstid}, {"IsReturnCustomStatus", &r.IsReturnCustomStatus}}
	seen := 0 // one bit for each member
	for {
		key, ok := s.key(), false
		bit := len(flags)
		if string(key) == "To_Account" {
			ok = seen>>bit&1 == 0 && list(s, &r.To_Account, MaxStatus, (*scanner).id)
		}
		for i, f := range flags {
			if f.name == string(key) {
				bit, ok = i, seen>>i&1 == 0 && s.flag(f.to)
			}
		}
		if !ok {
			return false
		}
		seen |= 1 << bit
		if s.accept('}') {
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

// flag reads 0 or 1.
func (s *scanner) flag(f *Flag) bool {
	c := s.skip()
	if c != '0' && c != '1' {
		return false
	}
	s.i++
	*f = c == '1'
	next := s.skip() // not a further digit, a fraction or an exponent
	return next == ',' || next == '}'
}

// Import decodes the body of account_import. Errors are those of [Decode].
func (d *Decoder) Import(body []byte) (*ImportRequest, error) {
	s, r := d.scan(body), &d.single
	members := [...]member{{"UserID", &r.UserID}, {"Nick", &r.Nick}, {"FaceUrl", &r.FaceUrl}, {"Identifier", &r.Identifier}}
	if s.object(members[:]) && s.end() {
		return r, nil
	}
	return decodeNew[ImportRequest](body)
}

func decodeNew[Req any](body []byte) (*Req, error) {
	req := new(Req)
	if err := Decode(body, req); err != nil {
		return nil, err
	}
	return req, nil
}
