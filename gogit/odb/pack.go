package odb

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

const (
	typeOfsDelta = 6
	typeRefDelta = 7

	// maxChain bounds the deltas on which an object may depend; git makes at most
	// 4095.
	maxChain = 4096
)

// pack is an open pack with its index, version 2.
type pack struct {
	path string
	file *os.File
	size int64
	idx  []byte
	n    int
}

func openPack(path string) (*pack, error) {
	idx, err := os.ReadFile(path + ".idx")
	if err != nil {
		return nil, err
	}
	p := &pack{path: path, idx: idx}
	bad := func(msg string) error { return &CorruptError{File: path + ".idx", Msg: msg} }
	if len(idx) < 8+256*4+2*sha1.Size || string(idx[:8]) != "\xfftOc\x00\x00\x00\x02" {
		return nil, bad("not an index of version 2")
	}
	p.n = int(p.fanout(255))
	for i := range 255 {
		if p.fanout(i) > p.fanout(i+1) {
			return nil, bad("fan-out table is not in order")
		}
	}
	if fixed := 8 + 256*4 + p.n*(sha1.Size+8) + 2*sha1.Size; len(idx) < fixed || (len(idx)-fixed)%8 != 0 {
		return nil, bad("wrong length")
	}
	if p.file, err = os.Open(path + ".pack"); err != nil {
		return nil, err
	}
	info, err := p.file.Stat()
	if err != nil {
		_ = p.file.Close() // the first error counts
		return nil, err
	}
	p.size = info.Size()
	return p, nil
}

func (p *pack) fanout(i int) uint32 { return binary.BigEndian.Uint32(p.idx[8+4*i:]) }

func (p *pack) nameBytes(i int) []byte {
	at := 8 + 256*4 + i*sha1.Size
	return p.idx[at : at+sha1.Size]
}

func (p *pack) name(i int) OID { return FromBytes(p.nameBytes(i)) }

// find returns the offset of an object.
func (p *pack) find(id OID) (int64, bool) {
	first := id.b[0]
	lo, hi := 0, int(p.fanout(int(first)))
	if first > 0 {
		lo = int(p.fanout(int(first) - 1))
	}
	i := lo + sort.Search(hi-lo, func(k int) bool { return bytes.Compare(p.nameBytes(lo+k), id.b[:sha1.Size]) >= 0 })
	if i == hi || !bytes.Equal(p.nameBytes(i), id.b[:sha1.Size]) {
		return 0, false
	}
	offsets := 8 + 256*4 + p.n*(sha1.Size+4)
	off := int64(binary.BigEndian.Uint32(p.idx[offsets+4*i:]))
	if off&(1<<31) != 0 {
		large := offsets + 4*p.n + 8*int(off&^(1<<31))
		if large+8 > len(p.idx)-2*sha1.Size {
			return 0, false
		}
		off = int64(binary.BigEndian.Uint64(p.idx[large:]))
	}
	return off, true
}

func (p *pack) corrupt(off int64, format string, args ...any) error {
	return &CorruptError{File: p.path + ".pack", Offset: off, Msg: fmt.Sprintf(format, args...)}
}

// read returns the object at an offset. Bases of ref deltas come from s.
func (p *pack) read(s *Store, off int64, depth int) (Type, []byte, error) {
	if depth > maxChain {
		return 0, nil, p.corrupt(off, "chain of deltas is too long")
	}
	if off < 12 || off >= p.size-sha1.Size {
		return 0, nil, p.corrupt(off, "offset is outside of the pack")
	}
	// An object's head has at most 10 bytes of size and 20 of its base.
	head := make([]byte, min(64, p.size-off))
	if _, err := p.file.ReadAt(head, off); err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, fmt.Errorf("odb: %w", err)
	}
	h, err := parseHead(head)
	if err != nil {
		return 0, nil, p.corrupt(off, "%v", err)
	}
	data, err := inflate(io.NewSectionReader(p.file, off+int64(h.length), p.size-off-int64(h.length)), h.size)
	if err != nil {
		return 0, nil, p.corrupt(off, "%v", err)
	}
	var t Type
	var base []byte
	switch h.kind {
	case typeOfsDelta:
		if h.back > off {
			return 0, nil, p.corrupt(off, "base is before the pack")
		}
		t, base, err = p.read(s, off-h.back, depth+1)
	case typeRefDelta:
		if at, ok := p.find(h.base); ok {
			t, base, err = p.read(s, at, depth+1)
		} else {
			return 0, nil, p.corrupt(off, "base %v is not in the pack", h.base)
		}
	default:
		return Type(h.kind), data, nil
	}
	if err != nil {
		return 0, nil, err
	}
	data, err = applyDelta(base, data)
	if err != nil {
		return 0, nil, p.corrupt(off, "%v", err)
	}
	return t, data, nil
}

// head is what stands before the compressed data of an object in a pack.
type head struct {
	kind   byte
	size   int64 // inflated
	back   int64 // of an offset delta: distance to its base
	base   OID   // of a ref delta
	length int   // of the head
}

var errTruncated = errors.New("truncated")

func parseHead(b []byte) (h head, err error) {
	next := func() byte {
		if h.length >= len(b) {
			err = errTruncated
			return 0
		}
		h.length++
		return b[h.length-1]
	}
	c := next()
	h.kind = c >> 4 & 7
	h.size = int64(c & 15)
	for shift := 4; c&0x80 != 0 && err == nil; shift += 7 {
		if shift > 57 {
			return h, errors.New("object is too large")
		}
		c = next()
		h.size |= int64(c&0x7f) << shift
	}
	if h.size > MaxObject {
		return h, errors.New("object is too large")
	}
	switch h.kind {
	case 0, 5:
		return h, fmt.Errorf("unknown object type %d", h.kind)
	case typeOfsDelta:
		c = next()
		h.back = int64(c & 0x7f)
		for c&0x80 != 0 && err == nil {
			if h.back > 1<<50 {
				return h, errors.New("offset of the base is too large")
			}
			c = next()
			h.back = (h.back+1)<<7 | int64(c&0x7f)
		}
		if err == nil && h.back == 0 {
			return h, errors.New("object is its own base")
		}
	case typeRefDelta:
		if len(b)-h.length < sha1.Size {
			return h, errTruncated
		}
		h.base = FromBytes(b[h.length : h.length+sha1.Size])
		h.length += sha1.Size
	}
	return h, err
}

// inflate reads exactly size bytes. What a lying size announces is not believed.
func inflate(r io.Reader, size int64) ([]byte, error) {
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(size, 64<<10)+bytes.MinRead))
	n, err := io.Copy(buf, io.LimitReader(z, size+1))
	if err != nil {
		return nil, err
	}
	if n != size {
		return nil, fmt.Errorf("size is not %d", size)
	}
	return buf.Bytes(), nil
}

// applyDelta makes an object of its base and a delta (gitformat-pack).
func applyDelta(base, delta []byte) ([]byte, error) {
	number := func() (int64, error) {
		var n int64
		for shift := 0; shift <= 56; shift += 7 {
			if len(delta) == 0 {
				return 0, errTruncated
			}
			c := delta[0]
			delta = delta[1:]
			n |= int64(c&0x7f) << shift
			if c&0x80 == 0 {
				return n, nil
			}
		}
		return 0, errors.New("number is too large")
	}
	if n, err := number(); err != nil || n != int64(len(base)) {
		return nil, errors.New("delta is for another base")
	}
	size, err := number()
	if err != nil || size > MaxObject {
		return nil, errors.New("delta has a bad size")
	}
	out := make([]byte, 0, min(size, 1<<20))
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		if op == 0 {
			return nil, errors.New("delta has a bad instruction")
		}
		if op&0x80 == 0 {
			n := int(op)
			if n > len(delta) || int64(len(out)+n) > size {
				return nil, errors.New("delta writes too much")
			}
			out = append(out, delta[:n]...)
			delta = delta[n:]
			continue
		}
		var off, n uint32
		for i := range 7 {
			if op>>i&1 == 0 {
				continue
			}
			if len(delta) == 0 {
				return nil, errTruncated
			}
			if i < 4 {
				off |= uint32(delta[0]) << (8 * i)
			} else {
				n |= uint32(delta[0]) << (8 * (i - 4))
			}
			delta = delta[1:]
		}
		if n == 0 {
			n = 0x10000
		}
		if int64(off)+int64(n) > int64(len(base)) || int64(len(out))+int64(n) > size {
			return nil, errors.New("delta copies from outside of its base")
		}
		out = append(out, base[off:off+n]...)
	}
	if int64(len(out)) != size {
		return nil, errors.New("delta gives a wrong size")
	}
	return out, nil
}
