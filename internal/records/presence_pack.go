package records

import (
	"encoding/binary"

	"rollcall/internal/account"
)

// A packedPresence is a [Presence] in the memory of login sessions. It has about 60 bytes and
// no pointers for one device, a sixth of a Presence, and costs the garbage collector little.
// The form is never stored. "" is nil.
type packedPresence string

// Flags of a packed device. Below them is one for each of [Device.times].
const (
	packedClosed = 1 << (iota + 4)
	packedNode
	packedLink
	packedInstance
)

// times returns the times of d that can be 0.
func (d *Device) times() [4]*int64 { return [...]*int64{&d.Expires, &d.Silent, &d.Vouched, &d.Lost} }

// pack returns p in packed form.
func (p *Presence) pack() packedPresence {
	if p == nil {
		return ""
	}
	var buf [256]byte
	b := binary.AppendUvarint(buf[:0], p.Account)
	b = binary.AppendVarint(b, p.LastEvent)
	b = appendText(b, p.Status)
	b = appendDevices(b, p.Devices)
	b = appendDevices(b, p.Replaced)
	return packedPresence(b)
}

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

// unpack returns the Presence, which shares texts with packed.
func (packed packedPresence) unpack() *Presence {
	if packed == "" {
		return nil
	}
	r := packedReader(packed)
	return &Presence{Account: r.uvarint(), LastEvent: r.varint(), Status: r.text(), Devices: r.devices(), Replaced: r.devices()}
}

// A packedReader is the rest of a packedPresence that is being read. Only pack writes one, so
// a packed Presence is never damaged.
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
	_ = d.Address.UnmarshalBinary([]byte(r.text())) // pack wrote it
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
