package kvstore

import (
	"math"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// fieldOp is an operation of BITFIELD.
type fieldOp struct {
	kind     byte // G, S, I
	signed   bool
	size     int64
	off, arg int64
	overflow byte // W, S, F
}

func (s *Session) fieldType(b []byte) (signed bool, size int64, ok bool) {
	if len(b) > 1 && (b[0] == 'i' || b[0] == 'u') {
		signed = b[0] == 'i'
		size, ok = parseInt(b[1:])
	}
	if !ok || size < 1 || signed && size > 64 || !signed && size > 63 {
		s.fail("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
		return false, 0, false
	}
	return signed, size, true
}

func (s *Session) parseBitfield(a [][]byte) (ops []fieldOp, writes, ok bool) {
	overflow := byte('W')
	for i := 2; i < len(a); i++ {
		left := len(a) - i - 1
		op := fieldOp{overflow: overflow}
		switch {
		case is(a[i], "GET") && left >= 2:
			op.kind = 'G'
		case is(a[i], "SET") && left >= 3:
			op.kind = 'S'
		case is(a[i], "INCRBY") && left >= 3:
			op.kind = 'I'
		case is(a[i], "OVERFLOW") && left >= 1:
			i++
			switch {
			case is(a[i], "WRAP"):
				overflow = 'W'
			case is(a[i], "SAT"):
				overflow = 'S'
			case is(a[i], "FAIL"):
				overflow = 'F'
			default:
				s.fail("ERR Invalid OVERFLOW type specified")
				return nil, false, false
			}
			continue
		default:
			s.fail(msgSyntax)
			return nil, false, false
		}
		if op.signed, op.size, ok = s.fieldType(a[i+1]); !ok {
			return nil, false, false
		}
		if op.off, ok = s.bitOffset(a[i+2], true, op.size); !ok {
			return nil, false, false
		}
		i += 2
		if op.kind != 'G' {
			i++
			if op.arg, ok = s.intArg(a[i]); !ok {
				return nil, false, false
			}
			writes = true
		}
		ops = append(ops, op)
	}
	return ops, writes, true
}

func cmdBitfield(s *Session, a [][]byte) {
	ops, writes, ok := s.parseBitfield(a)
	if !ok {
		return
	}
	if writes && s.cmd.flags&fReadonly != 0 {
		s.fail("ERR BITFIELD_RO only supports the GET subcommand")
		return
	}
	var e keyspace.Entry
	var v []byte
	grown := false
	if !writes {
		if e, ok = s.typed(a[1], keyspace.String); !ok {
			return
		}
		if e.Exists() {
			v = e.Str()
		}
	} else {
		if e, ok = s.typedWrite(a[1], keyspace.String); !ok {
			return
		}
		longest := int64(0)
		for _, op := range ops {
			if op.kind != 'G' {
				longest = max(longest, (op.off+op.size-1)>>3+1)
			}
		}
		if !e.Exists() {
			e = s.setString(e, a[1], nil, false)
		}
		grown = int64(len(e.Str())) < longest
		v = e.GrowString(max(len(e.Str()), int(longest)))
	}
	s.w.array(len(ops))
	n := 0
	for _, op := range ops {
		if wrote, changed := s.fieldOp(v, op); changed || wrote && grown {
			n++
		}
	}
	if n > 0 {
		s.changed(a[1], n)
		s.notify(notifyString, "setbit", a[1])
	}
}

// fieldOp runs an operation and tells whether it wrote, and whether that made a
// difference.
func (s *Session) fieldOp(v []byte, op fieldOp) (wrote, changed bool) {
	old := getField(v, op)
	switch op.kind {
	case 'G':
		s.w.int(old)
		return false, false
	case 'S':
		n, ok := fitField(0, op.arg, op)
		if !ok {
			s.w.null()
			return false, false
		}
		setField(v, op, n)
		s.w.int(old)
		return true, n != old
	default:
		n, ok := fitField(old, op.arg, op)
		if !ok {
			s.w.null()
			return false, false
		}
		setField(v, op, n)
		s.w.int(n)
		return true, n != old
	}
}

func getField(v []byte, op fieldOp) int64 {
	var n uint64
	for i := op.off; i < op.off+op.size; i++ {
		n <<= 1
		if int(i>>3) < len(v) {
			n |= uint64(v[i>>3] >> (7 - i&7) & 1)
		}
	}
	if op.signed && op.size < 64 && n>>(op.size-1) == 1 {
		n |= ^uint64(0) << op.size
	}
	return int64(n)
}

func setField(v []byte, op fieldOp, n int64) {
	for i := int64(0); i < op.size; i++ {
		at := op.off + op.size - 1 - i
		mask := byte(1) << (7 - at&7)
		v[at>>3] &^= mask
		if n>>i&1 == 1 {
			v[at>>3] |= mask
		}
	}
}

// fitField adds, and brings the sum into the range of the field.
func fitField(n, by int64, op fieldOp) (int64, bool) {
	sum := n + by
	lo, hi := int64(0), int64(1<<(op.size&63)-1)
	if op.signed {
		lo, hi = -1<<(op.size-1), 1<<(op.size-1)-1
	}
	var over, under bool
	if op.signed {
		over = by > 0 && n > hi-by || by >= 0 && n > hi
		under = by < 0 && n < lo-by || by <= 0 && n < lo
		if op.kind == 'S' && op.size < 64 {
			// The smallest numbers are too large, as in Redis, where this wraps around.
			over = by > hi || hi-by < 0
		}
		if op.size == 64 {
			over, under = by > 0 && n > math.MaxInt64-by, by < 0 && n < math.MinInt64-by
		}
	} else {
		// A negative value of SET is a large one without a sign.
		un := uint64(n)
		over = un > uint64(hi) || by > 0 && uint64(by) > uint64(hi)-un
		under = by < 0 && un < uint64(-by)
		if op.kind == 'S' {
			over, under = uint64(by) > uint64(hi), false
		}
	}
	if !over && !under {
		return sum, true
	}
	switch op.overflow {
	case 'F':
		return 0, false
	case 'S':
		if over {
			return hi, true
		}
		return lo, true
	}
	u := uint64(sum)
	if op.size < 64 {
		u &= 1<<op.size - 1
		if op.signed && u>>(op.size-1) == 1 {
			u |= ^uint64(0) << op.size
		}
	}
	return int64(u), true
}
