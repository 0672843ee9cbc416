package kvstore

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// bitOffset reads the place of a bit; #n is the n-th field of size bits.
func (s *Session) bitOffset(b []byte, hash bool, size int64) (int64, bool) {
	factor := int64(1)
	if hash && len(b) > 0 && b[0] == '#' {
		b, factor = b[1:], size
	}
	n, ok := parseInt(b)
	if !ok || n < 0 || n > math.MaxInt64/factor || n*factor>>3 >= s.db.conf.maxBulk.Load() {
		s.fail("ERR bit offset is not an integer or out of range")
		return 0, false
	}
	return n * factor, true
}

func cmdSetbit(s *Session, a [][]byte) {
	off, ok := s.bitOffset(a[2], false, 0)
	if !ok {
		return
	}
	on, ok := parseInt(a[3])
	if !ok || on&^1 != 0 {
		s.fail("ERR bit is not an integer or out of range")
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		e = s.setString(e, a[1], nil, false)
	}
	before := len(e.Str())
	v := e.GrowString(max(before, int(off>>3)+1))
	mask := byte(1) << (7 - off&7)
	old := v[off>>3]&mask != 0
	v[off>>3] &^= mask
	if on == 1 {
		v[off>>3] |= mask
	}
	if old != (on == 1) || len(v) > before { // else nothing has changed
		s.changed(a[1], 1)
		s.notify(notifyString, "setbit", a[1])
	}
	s.w.bool(old)
}

func cmdGetbit(s *Session, a [][]byte) {
	off, ok := s.bitOffset(a[2], false, 0)
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() || int(off>>3) >= len(e.Str()) {
		s.w.int(0)
		return
	}
	s.w.bool(e.Str()[off>>3]>>(7-off&7)&1 == 1)
}

func popcount(v []byte) int {
	n := 0
	for ; len(v) >= 8; v = v[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(v))
	}
	for _, c := range v {
		n += bits.OnesCount8(c)
	}
	return n
}

func cmdBitcount(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(0)
		return
	}
	v := e.Str()
	if len(a) == 2 {
		s.w.count(popcount(v))
		return
	}
	if len(a) != 4 && len(a) != 5 {
		s.fail(msgSyntax)
		return
	}
	from, ok := s.intArg(a[2])
	if !ok {
		return
	}
	to, ok := s.intArg(a[3])
	if !ok {
		return
	}
	if from < 0 && to < 0 && from > to {
		s.w.int(0)
		return
	}
	byBit := false
	if len(a) == 5 {
		switch {
		case is(a[4], "BIT"):
			byBit = true
		case !is(a[4], "BYTE"):
			s.fail(msgSyntax)
			return
		}
	}
	total := int64(len(v))
	if byBit {
		total <<= 3
	}
	from, to = clampRange(from, to, total)
	if from > to {
		s.w.int(0)
		return
	}
	s.w.count(countRange(v, from, to, byBit))
}

// clampRange makes a range of a string of total units one inside of it.
func clampRange(from, to, total int64) (int64, int64) {
	if from < 0 {
		from = max(from+total, 0)
	}
	if to < 0 {
		to = max(to+total, 0)
	}
	return from, min(to, total-1)
}

func countRange(v []byte, from, to int64, byBit bool) int {
	if !byBit {
		return popcount(v[from : to+1])
	}
	first, last := from>>3, to>>3
	n := popcount(v[first : last+1])
	n -= bits.OnesCount8(v[first] & ^byte(0xff>>(from&7)))
	return n - bits.OnesCount8(v[last]&byte(1<<(7-to&7)-1))
}

func cmdBitpos(s *Session, a [][]byte) {
	bit, ok := s.intArg(a[2])
	if !ok {
		return
	}
	if bit != 0 && bit != 1 {
		s.fail("ERR The bit argument must be 1 or 0.")
		return
	}
	e, ok := s.typed(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(-bit)
		return
	}
	var from, to int64
	byBit, hasEnd := false, len(a) > 4
	if len(a) > 6 {
		s.fail(msgSyntax)
		return
	}
	if len(a) > 3 {
		if from, ok = s.intArg(a[3]); !ok {
			return
		}
	}
	if len(a) == 6 {
		switch {
		case is(a[5], "BIT"):
			byBit = true
		case !is(a[5], "BYTE"):
			s.fail(msgSyntax)
			return
		}
	}
	if hasEnd {
		if to, ok = s.intArg(a[4]); !ok {
			return
		}
	}
	v := e.Str()
	total := int64(len(v))
	if byBit {
		total <<= 3
	}
	if !hasEnd {
		to = total - 1
	}
	from, to = clampRange(from, to, total)
	if from > to {
		s.w.int(-1)
		return
	}
	if !byBit {
		from, to = from<<3, to<<3|7
	}
	pos := findBit(v, from, to, bit == 1)
	if pos < 0 && bit == 0 && !hasEnd {
		pos = int64(len(v)) << 3 // behind the end all bits are 0
	}
	s.w.int(pos)
}

// findBit returns the first place from one on, up to another, where a bit is so.
func findBit(v []byte, from, to int64, on bool) int64 {
	skip := byte(0)
	if !on {
		skip = 0xff
	}
	for i := from; i <= to; {
		if i&7 == 0 && v[i>>3] == skip {
			i += 8
			continue
		}
		if v[i>>3]>>(7-i&7)&1 == 1 == on {
			return i
		}
		i++
	}
	return -1
}

func cmdBitop(s *Session, a [][]byte) {
	var op byte
	switch {
	case is(a[1], "AND"), is(a[1], "OR"), is(a[1], "XOR"), is(a[1], "NOT"):
		op = a[1][0] &^ 0x20
	default:
		s.fail(msgSyntax)
		return
	}
	if op == 'N' && len(a) != 4 {
		s.fail("ERR BITOP NOT must be called with a single source key.")
		return
	}
	var out []byte
	longest := 0
	var srcs [][]byte
	for _, key := range a[3:] {
		e, ok := s.typed(key, keyspace.String)
		if !ok {
			return
		}
		var v []byte
		if e.Exists() {
			v = e.Str()
		}
		srcs = append(srcs, v)
		longest = max(longest, len(v))
	}
	out = make([]byte, longest)
	copy(out, srcs[0])
	for _, v := range srcs[1:] {
		combine(out, v, op)
	}
	if op == 'N' {
		for i := range out {
			out[i] = ^out[i]
		}
	}
	e := s.write(a[2])
	switch {
	case longest > 0:
		e = s.setString(e, a[2], out, false)
		e.SetRaw()
		s.changed(a[2], 1)
		s.notify(notifyString, "set", a[2])
	case e.Exists():
		s.remove(e)
		s.changed(a[2], 1)
		s.notify(notifyGeneric, "del", a[2])
	}
	s.w.count(longest)
}

// combine applies an operation to out; where v is too short, it is 0.
func combine(out, v []byte, op byte) {
	switch op {
	case 'A':
		for i := range out {
			if i < len(v) {
				out[i] &= v[i]
			} else {
				out[i] = 0
			}
		}
	case 'O':
		for i, c := range v {
			out[i] |= c
		}
	default:
		for i, c := range v {
			out[i] ^= c
		}
	}
}
