package records

import (
	"encoding/binary"

	"rollcall/internal/account"
)

// Entries in the memory of login sessions are packed: one device takes about 60 bytes, a sixth
// of a [Presence]. The form is never stored.

// Flags of a packed entry.
const (
	packedUnsure = 1 << iota
	packedKnown  // there is a Presence
)

// appendTo appends e in packed form, without its version.
func (e *presenceEntry) appendTo(b []byte) []byte {
	flags := byte(0)
	if e.unsure {
		flags |= packedUnsure
	}
	if e.Presence == nil {
		return append(b, flags)
	}
	b = append(b, flags|packedKnown)
	b = binary.AppendUvarint(b, uint64(e.online()))
	b = binary.AppendUvarint(b, uint64(len(e.Devices)))
	b = binary.AppendVarint(b, e.due)
	b = binary.AppendUvarint(b, e.Account)
	b = binary.AppendVarint(b, e.LastEvent)
	b = appendText(b, e.Status)
	b = appendDevices(b, e.Devices)
	return appendDevices(b, e.Replaced)
}

// packedDevices returns how many devices a packed entry has, which may be empty, and how many of
// them are online.
func packedDevices(packed []byte) (online, all int) {
	if len(packed) == 0 || packed[0]&packedKnown == 0 {
		return 0, 0
	}
	a, n := binary.Uvarint(packed[1:])
	b, _ := binary.Uvarint(packed[1+n:])
	return int(a), int(b)
}

// unpackEntry returns a packed entry, which shares texts with it.
func unpackEntry(packed string) presenceEntry {
	r := packedReader(packed)
	flags := r.bytes(1)[0]
	e := presenceEntry{version: account.AnyVersion, unsure: flags&packedUnsure != 0}
	if flags&packedKnown != 0 {
		r.uvarint() // devices that are online
		r.uvarint() // devices
		e.due = r.varint()
		e.Presence = &Presence{Account: r.uvarint(), LastEvent: r.varint(), Status: r.text(), Devices: r.devices(), Replaced: r.devices()}
	}
	return e
}

// Flags of a packed device. Below them is one for each of [Device.times].
const (
	packedClosed = 1 << (iota + 4)
	packedNode
	packedLink
	packedInstance
)

// times returns the times of d that can be 0.
func (d *Device) times() [4]*int64 { return [...]*int64{&d.Expires, &d.Silent, &d.Vouched, &d.Lost} }

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendDevices(b []byte, ds []Device) []byte {
	b = binary.AppendUvarint(b, uint64(len(ds)))
	for i := range ds {
		b = appendDevice(b, &ds[i])
	}
	return b
}

// appendDevice appends d. Times are relative to the login, and thus shorter.
func appendDevice(b []byte, d *Device) []byte {
	b = binary.LittleEndian.AppendUint64(b, d.ID)
	b = appendText(b, string(d.Platform))
	addr, _ := d.Address.AppendBinary(make([]byte, 0, 64)) // never fails
	b = appendText(b, addr)
	b = binary.AppendVarint(b, d.Login)
	flags := len(b)
	b = append(b, 0)
	for i, t := range d.times() {
		if *t != 0 {
			b[flags] |= 1 << i
			b = binary.AppendVarint(b, *t-d.Login)
		}
	}
	if d.Closed {
		b[flags] |= packedClosed
	}
	if d.Node != "" {
		b[flags] |= packedNode
		b = appendText(b, d.Node)
	}
	if d.Link != 0 {
		b[flags] |= packedLink
		b = binary.LittleEndian.AppendUint64(b, d.Link)
	}
	if d.Instance != "" {
		b[flags] |= packedInstance
		b = appendText(b, d.Instance)
	}
	return b
}

// A packedReader is the rest of a packed entry that is being read. Only appendTo writes one, so
// it is never damaged.
type packedReader string

func (r *packedReader) bytes(n int) string {
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s
}

func (r *packedReader) uvarint() (n uint64) {
	for i := 0; ; i += 7 {
		c := r.bytes(1)[0]
		n |= uint64(c&0x7f) << i
		if c < 0x80 {
			return n
		}
	}
}

func (r *packedReader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

func (r *packedReader) uint64() (n uint64) {
	for i, s := 0, r.bytes(8); i < len(s); i++ {
		n |= uint64(s[i]) << (8 * i)
	}
	return n
}

func (r *packedReader) text() string { return r.bytes(int(r.uvarint())) }

func (r *packedReader) devices() []Device {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	ds := make([]Device, n)
	for i := range ds {
		r.device(&ds[i])
	}
	return ds
}

func (r *packedReader) device(d *Device) {
	d.ID = r.uint64()
	d.Platform = account.Platform(r.text())
	_ = d.Address.UnmarshalBinary([]byte(r.text())) // appendDevice wrote it
	d.Login = r.varint()
	flags := r.bytes(1)[0]
	for i, t := range d.times() {
		if flags&(1<<i) != 0 {
			*t = d.Login + r.varint()
		}
	}
	d.Closed = flags&packedClosed != 0
	if flags&packedNode != 0 {
		d.Node = r.text()
	}
	if flags&packedLink != 0 {
		d.Link = r.uint64()
	}
	if flags&packedInstance != 0 {
		d.Instance = r.text()
	}
}
