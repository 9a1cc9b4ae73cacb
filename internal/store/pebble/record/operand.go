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
//	byte     importOp or patchOp; replaceOp in old data
//	uvarint  length of what follows
//	varint   time of the change, unix milliseconds
//	         of an import: text Nick, text FaceURL, a byte 0
//	         of a patch: varint Kicked, and fields as in an account
//
// Operands may be applied once more. An account to which the first of some operands, or
// all of them, were applied before is the same after all of them as if they had been
// applied once. For an operand assigns values and takes the later time, the watermark
// has the same property, see [account.Patch.Watermark], and no operand is older than the
// one before it. So nobody has to know whether a flush of the first operands is
// already in the account that lies below.
const (
	importOp  = 0x81
	patchOp   = 0x82
	replaceOp = 0x83 // an import that sets the time of the change in any case
)

// MaxOperands is how many changes of an account may wait to be applied.
const MaxOperands = 8

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

// Join appends operands to b, and next behind them. It leaves next out if that imports
// what the last of them imported. It reports false where next cannot be appended,
// because there are MaxOperands or because next is older than the last of them: the
// account is to be written as a whole then. Its only error is [ErrCorrupt].
func Join(b, operands, next []byte) (joined []byte, ok bool, err error) {
	n, last := 0, []byte(nil)
	for rest := operands; len(rest) > 0; n++ {
		last = rest
		if _, _, rest, err = nextOperand(rest); err != nil {
			return nil, false, err
		}
	}
	lastTime, lastTexts, err := timed(last)
	if err != nil {
		return nil, false, err
	}
	nextTime, nextTexts, err := timed(next)
	if err != nil {
		return nil, false, err
	}
	b = append(b, operands...)
	switch {
	case last[0] != patchOp && next[0] != patchOp && lastTexts == nextTexts:
		return b, true, nil
	case n >= MaxOperands || nextTime < lastTime:
		return b, false, nil
	}
	return append(b, next...), true, nil
}

// timed returns the time of the operand, in unix milliseconds, and what follows it in
// its payload. The text is its own.
func timed(operand []byte) (millis int64, rest string, err error) {
	_, payload, _, err := nextOperand(operand)
	r := ReaderOf(payload)
	millis = r.Varint()
	if err != nil || r.bad {
		return 0, "", ErrCorrupt
	}
	return millis, r.rest, nil
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
	h.Updated = max(h.Updated, now)
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
