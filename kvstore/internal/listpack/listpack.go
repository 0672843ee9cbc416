package listpack

import (
	"encoding/binary"
	"errors"
	"slices"
)

const (
	// Header is the length of the header, and so the offset of the first entry.
	Header = 6
	// Overhead is the length of an empty pack.
	Overhead = Header + 1

	end     = 0xff
	unknown = 1<<16 - 1 // number of entries that the header cannot tell
)

// ErrBad is returned by Validate.
var ErrBad = errors.New("listpack: bad bytes")

// New returns an empty pack appended to dst, which must be empty.
func New(dst []byte) []byte { return append(dst, Overhead, 0, 0, 0, 0, 0, end) }

// Wrap appends the pack of n entries to dst.
func Wrap(dst, entries []byte, n int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(entries)+Overhead))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(min(n, unknown)))
	return append(append(dst, entries...), end)
}

// Entries returns the bytes of the entries.
func Entries(lp []byte) []byte { return lp[Header : len(lp)-1] }

// Len returns the number of entries.
func Len(lp []byte) int {
	if n := int(binary.LittleEndian.Uint16(lp[4:])); n != unknown {
		return n
	}
	return Count(Entries(lp))
}

// Count counts entries.
func Count(entries []byte) int {
	n := 0
	for len(entries) > 0 {
		entries = entries[Skip(entries):]
		n++
	}
	return n
}

// AtEnd tells whether an offset is behind the last entry.
func AtEnd(lp []byte, at int) bool { return at >= len(lp)-1 }

// Next returns the offset of the entry behind the one at an offset.
func Next(lp []byte, at int) int { return at + Skip(lp[at:]) }

// Seek returns the offset of the i-th entry, which must exist.
func Seek(lp []byte, i int) int {
	n := int(binary.LittleEndian.Uint16(lp[4:]))
	if n != unknown && i > n/2 {
		at := len(lp) - 1
		for ; n > i; n-- {
			at -= SkipBack(lp[:at])
		}
		return at
	}
	at := Header
	for ; i > 0; i-- {
		at += Skip(lp[at:])
	}
	return at
}

// Append appends an entry.
func Append(lp, v []byte) []byte {
	lp = AppendEntry(lp[:len(lp)-1], v)
	return Finish(append(lp, end), 1)
}

// Finish sets the header of a pack to which more entries were added by hand.
func Finish(lp []byte, more int) []byte {
	binary.LittleEndian.PutUint32(lp, uint32(len(lp)))
	n := int(binary.LittleEndian.Uint16(lp[4:]))
	if n == unknown {
		n = Count(Entries(lp))
	} else {
		n += more
	}
	binary.LittleEndian.PutUint16(lp[4:], uint16(min(n, unknown)))
	return lp
}

// Insert puts entries before the one at an offset.
func Insert(lp []byte, at int, vs ...[]byte) []byte {
	var buf [128]byte
	add := buf[:0]
	for _, v := range vs {
		add = AppendEntry(add, v)
	}
	return Finish(slices.Insert(lp, at, add...), len(vs))
}

// Replace puts v in the place of the entry at an offset.
func Replace(lp []byte, at int, v []byte) []byte {
	var buf [128]byte
	return Finish(slices.Replace(lp, at, at+Skip(lp[at:]), AppendEntry(buf[:0], v)...), 0)
}

// Delete removes n entries from an offset on.
func Delete(lp []byte, at, n int) []byte {
	to := at
	for range n {
		to += Skip(lp[to:])
	}
	return Finish(slices.Delete(lp, at, to), -n)
}

// Find returns the offset of the first entry that is v, of those at the given
// distance from one another, or -1.
func Find(lp, v []byte, step int) int {
	n, isInt := ParseInt(v)
	for at := Header; at < len(lp)-1; {
		if Equal(lp[at:], v, n, isInt) {
			return at
		}
		for i := 0; i < step && at < len(lp)-1; i++ {
			at += Skip(lp[at:])
		}
	}
	return -1
}

// Validate tells whether bytes from outside are a pack, and the number of its
// entries.
func Validate(lp []byte) (int, error) {
	if len(lp) < Overhead || int64(binary.LittleEndian.Uint32(lp)) != int64(len(lp)) || lp[len(lp)-1] != end {
		return 0, ErrBad
	}
	n, err := ValidateEntries(Entries(lp))
	if told := int(binary.LittleEndian.Uint16(lp[4:])); err != nil || told != unknown && told != n {
		return 0, ErrBad
	}
	return n, nil
}

// ValidateEntries is Validate for the entries alone.
func ValidateEntries(b []byte) (int, error) {
	n := 0
	for len(b) > 0 {
		need := 1
		switch c := b[0]; {
		case c >= 0xe0 && c < 0xf0:
			need = 2
		case c == 0xf0:
			need = 5
		case c > 0xf4:
			return 0, ErrBad
		}
		if len(b) < need {
			return 0, ErrBad
		}
		size := head(b)
		total := size + backLen(size)
		if size <= 0 || total > len(b) {
			return 0, ErrBad
		}
		// SkipBack would trust the bytes that it reads.
		var back [5]byte
		if string(b[size:total]) != string(appendBack(back[:0], size)) {
			return 0, ErrBad
		}
		b = b[total:]
		n++
	}
	return n, nil
}
