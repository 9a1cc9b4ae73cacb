package record

import (
	"cmp"
	"encoding/binary"
	"time"

	"rollcall/internal/account"
)

// An operand is a change of an account that was written without reading the account.
// It is applied when the account is read, or when Pebble rewrites its tables. A stored
// value is an account, or one or more operands, oldest first, for an account at a lower
// level of the tree. An operand is
//
//	byte     importOp or patchOp; replaceOp in old data
//	uvarint  length of what follows
//	varint   time of the change, unix milliseconds
//	         of an import: text Nick, text FaceURL, a byte 0
//	         of a patch: varint Kicked, and fields as in an account
//
// The operands that an account has in the journal are a list. Lists are idempotent: an
// account to which any prefix of its list has been applied gives the same result as one
// without, once the whole list is applied. Three rules ensure that:
//   - An operand assigns values, and takes the later of two times.
//   - Setting the watermark twice has the same effect as setting it once, see
//     [account.Patch.Watermark].
//   - No operand in a list is older than the one before it. Otherwise an import
//     that changes nothing the first time could change something the second time, and set
//     a time that the list alone does not set.
//
// The list may be older than operands that were flushed before: those are in every
// snapshot, and are not applied again.
//
// So no reader needs to know whether the stored account already contains the operands of a
// flush. The first byte tells an operand from an account, which begins with a codecVersion.
const (
	importOp  = 0x81
	patchOp   = 0x82
	replaceOp = 0x83 // an import that always sets the time of the change
)

// MaxOperands is how many operands a list may have. After these, the account is written as
// a whole. Pebble keeps a list for each flush until it compacts them.
const MaxOperands = 8

// appendImport appends the operand of an import. texts is the encoding of an account
// without fields, from its Nick to its end.
func appendImport(b []byte, now int64, texts []byte) []byte {
	var millis [binary.MaxVarintLen64]byte
	n := binary.PutVarint(millis[:], now)
	b = binary.AppendUvarint(append(b, importOp), uint64(n+len(texts)))
	return append(append(b, millis[:n]...), texts...)
}

// AppendPatch appends the operand that applies p at the time now.
func AppendPatch(b []byte, p account.Patch, now time.Time) []byte {
	payload := binary.AppendVarint(nil, now.UnixMilli())
	payload = binary.AppendVarint(payload, p.Kicked)
	payload = appendFields(payload, p.Fields)
	b = binary.AppendUvarint(append(b, patchOp), uint64(len(payload)))
	return append(b, payload...)
}

// isAccount reports whether value begins with an account, not an operand.
func isAccount(value []byte) bool { return len(value) > 0 && value[0] == codecVersion }

// nextOperand splits value after its first operand.
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

// Join appends operands to b, and then next. It leaves next out if next imports the same
// texts as the last operand. It reports false if next cannot be appended, because there
// are MaxOperands already or because next is older than the last operand. The account must
// then be written as a whole. Its only error is [ErrCorrupt].
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

// timed returns the time of an operand, in unix milliseconds, and the rest of its payload.
// rest shares the memory of operand.
func timed(operand []byte) (millis int64, rest string, err error) {
	_, payload, _, err := nextOperand(operand)
	r := ReaderOf(payload)
	millis = r.Varint()
	if err != nil || r.bad {
		return 0, "", ErrCorrupt
	}
	return millis, r.rest, nil
}

// OperandsKicked returns the watermark before, after operands are applied to it. 0 stays 0
// if they neither set nor clear a watermark. Its only error is [ErrCorrupt].
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

// Apply appends to b the account in value, after operands are applied to it, oldest first.
// b and value must not overlap. Its only error is [ErrCorrupt].
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

// applyImport does the same as [account.Upsert.Apply], but does not decode the whole
// account, for speed: millions of accounts may be imported again.
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
