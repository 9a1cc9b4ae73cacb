package record

import (
	"cmp"
	"encoding/binary"
	"time"

	"rollcall/internal/account"
)

// An operand is a change of an account that was written without reading it: it
// is applied when the account is read, or when Pebble rewrites its tables. A
// stored value is an account, or one or more operands, oldest first, for an
// account that lies below. An operand is
//
//	byte     importOp, patchOp or replaceOp
//	uvarint  length of what follows
//	varint   time of the change, unix milliseconds
//	         of an import: text Nick, text FaceURL, a byte 0
//	         of a patch: varint Kicked, and fields as in an account
//
// A replaceOp is an import that is known to change something, because an import
// before it has set a text that it sets to something else. Unlike others it may
// be applied to an account on which the one before it was applied, or was not,
// or it was itself: the outcome is the same.
const (
	importOp  = 0x81
	patchOp   = 0x82
	replaceOp = 0x83
)

// appendImport appends the operand of an import. texts is what an account has
// from its Nick to its end if it has no fields.
func appendImport(b []byte, now int64, texts []byte) []byte {
	var millis [binary.MaxVarintLen64]byte
	n := binary.PutVarint(millis[:], now)
	b = binary.AppendUvarint(append(b, importOp), uint64(n+len(texts)))
	return append(append(b, millis[:n]...), texts...)
}

// AppendPatch appends the operand that does what p does at the time now.
func AppendPatch(b []byte, p account.Patch, now time.Time) []byte {
	payload := binary.AppendVarint(nil, now.UnixMilli())
	payload = binary.AppendVarint(payload, p.Kicked)
	payload = appendFields(payload, p.Fields)
	b = binary.AppendUvarint(append(b, patchOp), uint64(len(payload)))
	return append(b, payload...)
}

// isAccount reports whether value begins with an account, not an operand.
func isAccount(value []byte) bool { return len(value) > 0 && value[0] == codecVersion }

// nextOperand cuts the first operand off value.
func nextOperand(value []byte) (op byte, payload, rest []byte, err error) {
	if len(value) == 0 {
		return 0, nil, nil, ErrCorrupt
	}
	n, width := binary.Uvarint(value[1:])
	if width <= 0 || n > uint64(len(value)-1-width) {
		return 0, nil, nil, ErrCorrupt
	}
	end := 1 + width + int(n)
	return value[0], value[1+width : end], value[end:], nil
}

// appendOperands appends operands to others.
func appendOperands(b, more []byte) ([]byte, error) {
	for len(more) > 0 {
		_, _, rest, err := nextOperand(more)
		if err == nil {
			b, err = AppendOperand(b, more[:len(more)-len(rest)])
		}
		if err != nil {
			return nil, err
		}
		more = rest
	}
	return b, nil
}

// AppendOperand appends an operand to others. If the last of them and it are
// imports, only what counts is left of the two, where it sets what the last
// sets: accounts that are imported again and again do not grow. Its only error is
// [ErrCorrupt].
func AppendOperand(b, next []byte) ([]byte, error) {
	last := 0
	for rest := b; len(rest) > 0; {
		last = len(b) - len(rest)
		var err error
		if _, _, rest, err = nextOperand(rest); err != nil {
			return nil, err
		}
	}
	old, isOld := readImport(b[last:])
	now, isNow := readImport(next)
	switch {
	case !isOld || !isNow || old.nick != "" && now.nick == "" || old.faceURL != "" && now.faceURL == "":
		return append(b, next...), nil
	case next[0] == replaceOp && old.nick == now.nick && old.faceURL == now.faceURL:
		return append(b[:last], next...), nil // there was something else in between
	case old.nick == now.nick && old.faceURL == now.faceURL:
		return b, nil // it changes nothing
	case old.nick != "" && old.nick != now.nick || old.faceURL != "" && old.faceURL != now.faceURL:
		b = append(b[:last], next...)
		b[last] = replaceOp
		return b, nil
	}
	return append(b, next...), nil
}

// An imported is what an operand of an import says, but for its time.
type imported struct{ nick, faceURL string }

// readImport reads an operand that may be that of an import. The texts are its
// own.
func readImport(operand []byte) (i imported, ok bool) {
	op, payload, _, err := nextOperand(operand)
	if err != nil || op != importOp && op != replaceOp {
		return i, false
	}
	r := ReaderOf(payload)
	r.Varint()
	i = imported{nick: r.Text(), faceURL: r.Text()}
	return i, !r.bad && r.rest == "\x00"
}

// CountOperands returns how many operands value has, or [ErrCorrupt].
func CountOperands(value []byte) (n int, err error) {
	for len(value) > 0 {
		if _, _, value, err = nextOperand(value); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// OperandsKicked returns what operands make of a watermark: 0 stays 0 if they set
// and clear none. Its only error is [ErrCorrupt].
func OperandsKicked(before int64, operands []byte) (kicked int64, err error) {
	kicked = before
	for len(operands) > 0 {
		op, payload, rest, err := nextOperand(operands)
		if err != nil {
			return 0, err
		}
		if r := ReaderOf(payload); op == patchOp {
			r.Varint()
			kicked = account.Patch{Kicked: r.Varint()}.Watermark(kicked)
		}
		operands = rest
	}
	return kicked, nil
}

// Apply appends to b the account in value as operands make it, the oldest first. b
// and value must not overlap. Its only error is [ErrCorrupt].
func Apply(b, value, operands []byte) ([]byte, error) {
	start := len(b)
	for len(operands) > 0 {
		op, payload, rest, err := nextOperand(operands)
		if err != nil {
			return nil, err
		}
		next, err := applyOne(nil, op, payload, value)
		if err != nil {
			return nil, err
		}
		value, operands = next, rest
	}
	return append(b[:start], value...), nil
}

func applyOne(b []byte, op byte, payload, value []byte) ([]byte, error) {
	switch op {
	case importOp, replaceOp:
		return applyImport(b, op, payload, value)
	case patchOp:
		return applyPatch(b, payload, value)
	}
	return nil, ErrCorrupt
}

// applyImport does what [account.Upsert.Apply] does, without taking the account
// apart: millions of accounts may be imported again.
func applyImport(b []byte, op byte, payload, value []byte) ([]byte, error) {
	r, p := peek(value), ReaderOf(payload)
	h := r.head()
	nick, faceURL := r.Text(), r.Text()
	now := p.Varint()
	newNick, newFaceURL := cmp.Or(p.Text(), nick), cmp.Or(p.Text(), faceURL)
	if r.bad || p.bad || p.rest != "\x00" {
		return nil, ErrCorrupt
	}
	if op == importOp && newNick == nick && newFaceURL == faceURL {
		return append(b, value...), nil
	}
	h.Updated = now
	b = appendHead(b, h)
	b = appendText(b, newNick)
	b = appendText(b, newFaceURL)
	return append(b, r.rest...), nil
}

func applyPatch(b, payload, value []byte) ([]byte, error) {
	a, err := DecodeAccount("", value)
	if err != nil {
		return nil, err
	}
	r := Reader{rest: string(payload)}
	now := time.UnixMilli(r.Varint())
	p := account.Patch{Kicked: r.Varint(), Fields: r.fields()}
	if r.bad || r.rest != "" {
		return nil, ErrCorrupt
	}
	p.Apply(&a, now)
	return AppendAccount(b, &a), nil
}
