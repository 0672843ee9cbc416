package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
)

const readBuffer = 256 << 10

// A source hands out the bytes of a file or payload, and sums them up.
type source struct {
	r        io.Reader // nil: buf is all there is
	buf      []byte    // its unread bytes are from pos to end
	pos, end int
	base     int64 // offset of buf[0]
	summed   int   // position up to which buf is in crc
	crc      uint64
	digest   crc64.Digest
}

// offset is that of the next byte.
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// fill sees to it that n bytes, at most readBuffer, are in buf. What was handed out
// before is then no longer valid.
func (s *source) fill(n int) error {
	if s.end-s.pos >= n {
		return nil
	}
	if s.r == nil {
		return io.ErrUnexpectedEOF
	}
	s.sum()
	s.base += int64(s.pos)
	s.end = copy(s.buf, s.buf[s.pos:s.end])
	s.pos, s.summed = 0, 0
	for s.end < n {
		got, err := s.r.Read(s.buf[s.end:])
		s.end += got
		if s.end >= n {
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sum brings crc up to pos.
func (s *source) sum() {
	s.crc = s.digest.Update(s.crc, s.buf[s.summed:s.pos])
	s.summed = s.pos
}

func (s *source) byte() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(1); err != nil {
			return 0, err
		}
	}
	c := s.buf[s.pos]
	s.pos++
	return c, nil
}

// take hands out n bytes of buf, at most readBuffer.
func (s *source) take(n int) ([]byte, error) {
	if s.end-s.pos < n {
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	b := s.buf[s.pos : s.pos+n : s.pos+n]
	s.pos += n
	return b, nil
}

// raw is take for any n; bytes that do not fit into buf are in *scratch.
func (s *source) raw(n uint64, scratch *[]byte) ([]byte, error) {
	if n <= uint64(len(s.buf)) {
		return s.take(int(n))
	}
	if s.r == nil {
		return nil, io.ErrUnexpectedEOF
	}
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a string of %d bytes", errImpossible, n)
	}
	// The length is not trusted: memory grows as bytes come.
	b := (*scratch)[:0]
	for left := int(n); left > 0; {
		part, err := s.take(min(left, len(s.buf)))
		if err != nil {
			return nil, err
		}
		b = append(b, part...)
		left -= len(part)
	}
	*scratch = b
	return b, nil
}

func (s *source) uint32() (uint32, error) {
	b, err := s.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (s *source) uint64() (uint64, error) {
	b, err := s.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

var (
	errLength  = errors.New("bad length")
	errSpecial = errors.New("bad form of a string")
)

// length reads a length; special says that it is instead the form of a string.
func (s *source) length() (n uint64, special bool, err error) {
	c, err := s.byte()
	if err != nil {
		return 0, false, err
	}
	switch c >> 6 {
	case 0:
		return uint64(c), false, nil
	case 1:
		low, err := s.byte()
		return uint64(c&0x3f)<<8 | uint64(low), false, err
	case 3:
		return uint64(c & 0x3f), true, nil
	}
	switch c {
	case 0x80:
		b, err := s.take(4)
		if err != nil {
			return 0, false, err
		}
		return uint64(binary.BigEndian.Uint32(b)), false, nil
	case 0x81:
		b, err := s.take(8)
		if err != nil {
			return 0, false, err
		}
		return binary.BigEndian.Uint64(b), false, nil
	}
	return 0, false, errLength
}

// plainLength reads a length that must not be special.
func (s *source) plainLength() (uint64, error) {
	n, special, err := s.length()
	if err == nil && special {
		err = errLength
	}
	return n, err
}

// count is the number of elements of a collection. It serves as a hint, so that it
// is bounded by what can be real: an element takes two bytes at least.
func (s *source) count() (int, error) {
	n, err := s.plainLength()
	if err == nil && n > 1<<40 {
		err = fmt.Errorf("%w: %d elements", errImpossible, n)
	}
	return int(n), err
}

// string reads a string; its bytes are in buf or in *scratch and valid until the
// next call.
func (s *source) string(scratch *[]byte) ([]byte, error) {
	n, special, err := s.length()
	if err != nil {
		return nil, err
	}
	if !special {
		return s.raw(n, scratch)
	}
	var v int64
	switch n {
	case encInt8:
		c, err := s.byte()
		if err != nil {
			return nil, err
		}
		v = int64(int8(c))
	case encInt16:
		b, err := s.take(2)
		if err != nil {
			return nil, err
		}
		v = int64(int16(binary.LittleEndian.Uint16(b)))
	case encInt32:
		u, err := s.uint32()
		if err != nil {
			return nil, err
		}
		v = int64(int32(u))
	case encLZF:
		return s.compressed(scratch)
	default:
		return nil, errSpecial
	}
	*scratch = formatInt((*scratch)[:0], v)
	return *scratch, nil
}

func (s *source) compressed(scratch *[]byte) ([]byte, error) {
	short, err := s.plainLength()
	if err != nil {
		return nil, err
	}
	long, err := s.plainLength()
	if err != nil {
		return nil, err
	}
	if long > math.MaxInt32 || long > short*lzfExpansion || short > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d bytes from %d compressed ones", errImpossible, long, short)
	}
	var packed []byte
	b, err := s.raw(short, &packed)
	if err != nil {
		return nil, err
	}
	*scratch, err = expand((*scratch)[:0], b, int(long))
	return *scratch, err
}
