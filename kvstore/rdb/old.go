package rdb

import (
	"encoding/binary"
	"errors"
)

var (
	errZiplist = errors.New("bad ziplist")
	errZipmap  = errors.New("bad zipmap")
)

const (
	ziplistHeader = 10 // bytes in all, offset of the last entry, number of entries
	ziplistEnd    = 0xff
)

// ziplist calls f for the entries of the packed form that came before listpacks.
// What is handed over is valid until f returns.
func (r *Reader) ziplist(b []byte, f func(v []byte) error) error {
	if len(b) <= ziplistHeader || int64(binary.LittleEndian.Uint32(b)) != int64(len(b)) || b[len(b)-1] != ziplistEnd {
		return errZiplist
	}
	told := int(binary.LittleEndian.Uint16(b[8:]))
	tail := int64(binary.LittleEndian.Uint32(b[4:]))
	rest := b[ziplistHeader : len(b)-1]
	n, last, before := 0, int64(ziplistHeader), 0 // entries, offset of the last, length of the one before
	for len(rest) > 0 {
		last = int64(len(b) - 1 - len(rest))
		size, prev, v, err := r.ziplistEntry(rest)
		if err != nil || prev != before {
			return errZiplist
		}
		if err := f(v); err != nil {
			return err
		}
		rest = rest[size:]
		before = size
		n++
	}
	if told != 0xffff && told != n || tail != last {
		return errZiplist
	}
	return nil
}

// ziplistEntry returns the length of the first entry of b, what it says is the
// length of the one before, and its value.
func (r *Reader) ziplistEntry(b []byte) (size, prev int, v []byte, err error) {
	head := 1
	prev = int(b[0])
	if prev >= 254 {
		if prev == 255 || len(b) < 5 {
			return 0, 0, nil, errZiplist
		}
		head, prev = 5, int(binary.LittleEndian.Uint32(b[1:]))
	}
	rest := b[head:]
	if len(rest) == 0 {
		return 0, 0, nil, errZiplist
	}
	c := rest[0]
	if c < 0xc0 {
		form, n := 1, int(c&0x3f)
		switch c >> 6 {
		case 1:
			form = 2
		case 2:
			form = 5
		}
		if len(rest) < form {
			return 0, 0, nil, errZiplist
		}
		switch form {
		case 2:
			n = n<<8 | int(rest[1])
		case 5:
			n = int(binary.BigEndian.Uint32(rest[1:]))
		}
		if len(rest)-form < n {
			return 0, 0, nil, errZiplist
		}
		return head + form + n, prev, rest[form : form+n], nil
	}
	width := 0
	switch c {
	case 0xc0:
		width = 2
	case 0xd0:
		width = 4
	case 0xe0:
		width = 8
	case 0xf0:
		width = 3
	case 0xfe:
		width = 1
	default:
		if c < 0xf1 || c > 0xfd {
			return 0, 0, nil, errZiplist
		}
	}
	if len(rest) < 1+width {
		return 0, 0, nil, errZiplist
	}
	n := int64(c&0x0f) - 1
	if width > 0 {
		n = 0
		for i := width; i > 0; i-- {
			n = n<<8 | int64(rest[i])
		}
		n = n << (64 - 8*width) >> (64 - 8*width) // extends the sign
	}
	r.lp = formatInt(r.lp[:0], n)
	return head + 1 + width, prev, r.lp, nil
}

// zipmap calls f for the fields and values of the packed form of hashes that Redis
// had before 2.6.
func zipmap(b []byte, f func(v []byte) error) error {
	if len(b) < 2 || b[len(b)-1] != 0xff {
		return errZipmap
	}
	told := int(b[0])
	rest := b[1 : len(b)-1]
	n := 0
	for len(rest) > 0 {
		for part := range 2 {
			if len(rest) == 0 {
				return errZipmap
			}
			head, size := 1, int(rest[0])
			if size == 254 && len(rest) >= 5 {
				head, size = 5, int(binary.LittleEndian.Uint32(rest[1:]))
			} else if size >= 254 {
				return errZipmap
			}
			free := 0
			if part == 1 { // a value has room behind it
				if len(rest) <= head {
					return errZipmap
				}
				free = int(rest[head])
				head++
			}
			if len(rest)-head-free < size {
				return errZipmap
			}
			if err := f(rest[head : head+size]); err != nil {
				return err
			}
			rest = rest[head+size+free:]
		}
		n++
	}
	if told < 254 && told != n {
		return errZipmap
	}
	return nil
}
