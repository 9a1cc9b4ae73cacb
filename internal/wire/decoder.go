package wire

// keepText is the largest buffer for escaped texts that a [Decoder] keeps, in
// bytes: a few huge bodies must not hold their memory for ever.
const keepText = 64 << 10

// A Decoder reads the bodies that come by the thousand each second, without
// garbage. It accepts what [Decode] accepts and reads it alike: common shapes
// by itself, all others by Decode.
//
// What a method returns shares memory with the body and with the Decoder: it is
// valid until the body changes, another method is called, or Reset. The zero
// Decoder is ready. It serves one goroutine at a time.
type Decoder struct {
	imports MultiImportRequest
	single  ImportRequest
	check   CheckRequest
	text    []byte
	scanner scanner
}

// scan returns a scanner of body.
func (d *Decoder) scan(body []byte) *scanner {
	d.Reset()
	d.scanner = scanner{b: body, text: &d.text}
	return &d.scanner
}

// Reset forgets what was read, so that no body is kept from being freed, and
// keeps memory for the next one.
func (d *Decoder) Reset() {
	d.single, d.scanner = ImportRequest{}, scanner{}
	forget(&d.imports.AccountList)
	forget(&d.imports.Accounts)
	forget(&d.check.CheckItem)
	if d.text = d.text[:0]; cap(d.text) > keepText {
		d.text = nil
	}
}

// forget empties l; what it held becomes zero.
func forget[T any](l *List[T]) {
	clear(l.V)
	*l = List[T]{V: l.V[:0]}
}

// MultiImport reads the body of multiaccount_import. Errors are those of
// [Decode].
func (d *Decoder) MultiImport(body []byte) (*MultiImportRequest, error) {
	s := d.scan(body)
	if s.take('{') && d.batch(s) && s.take('}') && s.end() {
		return &d.imports, nil
	}
	return decodeNew[MultiImportRequest](body)
}

// batch reads the one member of a batch, in either form.
func (d *Decoder) batch(s *scanner) bool {
	switch string(s.key()) {
	case "AccountList":
		return list(s, &d.imports.AccountList, (*scanner).importItem)
	case "Accounts":
		return list(s, &d.imports.Accounts, (*scanner).id)
	}
	return false
}

func (s *scanner) importItem(o *Object[ImportItem]) bool {
	o.Kind = Valid
	members := [...]member{{"UserID", &o.V.UserID}, {"Nick", &o.V.Nick}, {"FaceUrl", &o.V.FaceUrl}}
	return s.object(members[:])
}

// id reads an item of a list of ids, where null is no id.
func (s *scanner) id(t *Text) bool { return s.value(t) && t.Kind == Valid }

// Check reads the body of account_check. Errors are those of [Decode].
func (d *Decoder) Check(body []byte) (*CheckRequest, error) {
	s := d.scan(body)
	if s.take('{') && string(s.key()) == "CheckItem" && list(s, &d.check.CheckItem, (*scanner).idItem) && s.take('}') && s.end() {
		return &d.check, nil
	}
	return decodeNew[CheckRequest](body)
}

func (s *scanner) idItem(o *Object[IDItem]) bool {
	o.Kind = Valid
	members := [...]member{{"UserID", &o.V.UserID}}
	return s.object(members[:])
}

// Import reads the body of account_import. Errors are those of [Decode].
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
