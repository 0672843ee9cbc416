// Package crc64 is the checksum of RDB files and DUMP payloads: CRC-64 with the
// polynomial of W. Jones, reflected, beginning with zero.
package crc64

import (
	"encoding/binary"
	"sync"
)

const poly = 0x95ac9329ac4bc9b5 // 0xad93d23594c935a9 reflected

// tables are for eight bytes at a time.
func makeTables() *[8][256]uint64 {
	var t [8][256]uint64
	for i := range 256 {
		crc := uint64(i)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ poly
			} else {
				crc >>= 1
			}
		}
		t[0][i] = crc
	}
	for i := range 256 {
		for k := 1; k < 8; k++ {
			t[k][i] = t[k-1][i]>>8 ^ t[0][byte(t[k-1][i])]
		}
	}
	return &t
}

// A Digest computes checksums. Use New.
type Digest struct{ t *[8][256]uint64 }

// New returns a Digest, which may be used concurrently.
func New() Digest { return Digest{shared.tables()} }

type lazy struct{ tables func() *[8][256]uint64 }

var shared = lazy{sync.OnceValue(makeTables)}

// Update returns the checksum of what crc is the one of, followed by b.
func (d Digest) Update(crc uint64, b []byte) uint64 {
	t := d.t
	for len(b) >= 8 {
		crc ^= binary.LittleEndian.Uint64(b)
		crc = t[7][byte(crc)] ^ t[6][byte(crc>>8)] ^ t[5][byte(crc>>16)] ^ t[4][byte(crc>>24)] ^
			t[3][byte(crc>>32)] ^ t[2][byte(crc>>40)] ^ t[1][byte(crc>>48)] ^ t[0][byte(crc>>56)]
		b = b[8:]
	}
	for _, c := range b {
		crc = t[0][byte(crc)^c] ^ crc>>8
	}
	return crc
}
