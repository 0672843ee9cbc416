package kvstore

import (
	"bytes"
	"math"
	"math/big"
	"unsafe"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// maxString bounds the length of a string in bytes.
const maxString = 512 << 20

func (s *Session) tooLong(n int64) bool {
	if n <= s.db.conf.maxBulk.Load() {
		return false
	}
	s.fail("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	return true
}

func cmdGet(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.String)
	switch {
	case !ok:
	case e.Exists():
		s.w.bulk(e.Str())
	default:
		s.w.null()
	}
}

// glanceGet answers GET without a lock where nothing has to be noted.
func glanceGet(s *Session, a [][]byte) bool {
	h := s.hash(a[1])
	st := s.db.sp.Stripe(h)
	version := st.Version()
	if version.Busy() {
		return false
	}
	v, meta, found := st.Layout().Find(h, unsafe.String(unsafe.SliceData(a[1]), len(a[1])))
	n := len(s.w.b)
	now, _ := s.db.sp.Clock()
	switch {
	case found == table.Absent:
		s.w.null()
	case found == table.Present && keyspace.Plain(meta, now, 0):
		s.w.bulk(v)
	default:
		return false
	}
	if st.Since(version) {
		s.w.b = s.w.b[:n]
		return false
	}
	if found == table.Present {
		s.hits++
	} else {
		s.misses++
	}
	return true
}

// setString makes a key a string.
func (s *Session) setString(e keyspace.Entry, key, v []byte, keepTTL bool) keyspace.Entry {
	return e.Shard().SetString(e, key, v, keepTTL)
}

// setOptions are those of SET and GETEX.
type setOptions struct {
	nx, xx, get, keep, persist bool
	unit                       string
	time                       []byte
}

func (s *Session) parseSetOptions(args [][]byte, getex bool) (o setOptions, ok bool) {
	bad := func() (setOptions, bool) {
		s.fail(msgSyntax)
		return o, false
	}
	for i := 0; i < len(args); i++ {
		opt := args[i]
		var next []byte
		if i+1 < len(args) {
			next = args[i+1]
		}
		switch {
		case !getex && is(opt, "NX") && !o.xx:
			o.nx = true
		case !getex && is(opt, "XX") && !o.nx:
			o.xx = true
		case !getex && is(opt, "GET"):
			o.get = true
		case !getex && is(opt, "KEEPTTL") && o.unit == "" && !o.persist:
			o.keep = true
		case getex && is(opt, "PERSIST") && o.unit == "" && !o.keep:
			o.persist = true
		case next != nil && o.unit == "" && !o.keep && !o.persist:
			switch {
			case is(opt, "EX"):
				o.unit = "EX"
			case is(opt, "PX"):
				o.unit = "PX"
			case is(opt, "EXAT"):
				o.unit = "EXAT"
			case is(opt, "PXAT"):
				o.unit = "PXAT"
			default:
				return bad()
			}
			o.time = next
			i++
		default:
			return bad()
		}
	}
	return o, true
}

func cmdSet(s *Session, a [][]byte) {
	key, v := a[1], a[2]
	var o setOptions
	var at int64
	if len(a) > 3 {
		var ok bool
		if o, ok = s.parseSetOptions(a[3:], false); !ok {
			return
		}
		if o.unit != "" {
			if at, ok = s.deadline(o.time, o.unit, "set", true); !ok {
				return
			}
		}
	}
	e := s.write(key)
	if o.get {
		if e.Exists() && e.Type() != keyspace.String {
			s.fail(msgWrongType)
			return
		}
		if e.Exists() {
			s.w.bulk(e.Str())
		} else {
			s.w.null()
		}
	}
	if o.nx && e.Exists() || o.xx && !e.Exists() {
		if !o.get {
			s.w.null()
		}
		return
	}
	s.store(e, key, v, at, o.keep)
	if !o.get {
		s.w.ok()
	}
	if at == 0 && o.get {
		s.logSet(key, v, o)
	}
}

// logSet logs SET without GET, whose reply nobody reads in a log.
func (s *Session) logSet(key, v []byte, o setOptions) {
	args := [][]byte{[]byte("SET"), key, v}
	if o.keep {
		args = append(args, []byte("KEEPTTL"))
	}
	s.effect(args...)
}

// store sets a string, with a deadline if at is not 0; one that is over already
// counts too, until somebody looks.
func (s *Session) store(e keyspace.Entry, key, v []byte, at int64, keep bool) {
	e = s.setString(e, key, v, keep)
	s.changed(key, 1)
	s.notify(notifyString, "set", key)
	if at != 0 {
		e.SetExpireAt(at)
		s.notify(notifyGeneric, "expire", key)
		s.effect([]byte("SET"), key, v, []byte("PXAT"), itoa(at))
	}
}

func cmdSetnx(s *Session, a [][]byte) {
	e := s.write(a[1])
	if e.Exists() {
		s.w.int(0)
		return
	}
	s.store(e, a[1], a[2], 0, false)
	s.w.int(1)
}

func cmdSetex(s *Session, a [][]byte) {
	unit := "EX"
	if s.cmd.upper == "PSETEX" {
		unit = "PX"
	}
	at, ok := s.deadline(a[2], unit, s.cmd.name, true)
	if !ok {
		return
	}
	s.store(s.write(a[1]), a[1], a[3], at, false)
	s.w.ok()
}

func cmdGetset(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.String)
	if !ok {
		return
	}
	if e.Exists() {
		s.w.bulk(e.Str())
	} else {
		s.w.null()
	}
	s.setString(e, a[1], a[2], false)
	s.changed(a[1], 1)
	s.notify(notifyString, "set", a[1])
	s.effect([]byte("SET"), a[1], a[2])
}

func cmdGetdel(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.null()
		return
	}
	s.w.bulk(e.Str())
	s.remove(e)
	s.changed(a[1], 1)
	s.effect([]byte("DEL"), a[1])
	s.notify(notifyGeneric, "del", a[1])
}

func cmdGetex(s *Session, a [][]byte) {
	o, ok := s.parseSetOptions(a[2:], true)
	if !ok {
		return
	}
	key := a[1]
	e, ok := s.typedWrite(key, keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.null()
		return
	}
	var at int64
	if o.unit != "" {
		if at, ok = s.deadline(o.time, o.unit, "getex", true); !ok {
			return
		}
	}
	s.w.bulk(e.Str())
	switch {
	case at != 0 && at <= s.now() && !s.replaying:
		s.remove(e)
		s.effect([]byte("DEL"), key)
		s.changed(key, 1)
		s.notify(notifyGeneric, "del", key)
	case at != 0:
		e.SetExpireAt(at)
		s.effect([]byte("PEXPIREAT"), key, itoa(at))
		s.changed(key, 1)
		s.notify(notifyGeneric, "expire", key)
	case o.persist && e.ExpireAt() != 0:
		e.SetExpireAt(0)
		s.effect([]byte("PERSIST"), key)
		s.changed(key, 1)
		s.notify(notifyGeneric, "persist", key)
	}
}

func cmdMget(s *Session, a [][]byte) {
	s.w.array(len(a) - 1)
	for _, key := range a[1:] {
		if e := s.read(key); e.Exists() && e.Type() == keyspace.String {
			s.w.bulk(e.Str())
		} else {
			s.w.null()
		}
	}
}

func cmdMset(s *Session, a [][]byte) {
	if len(a)%2 == 0 {
		s.fail(wrongArity(s.cmd))
		return
	}
	nx := s.cmd.upper == "MSETNX"
	if nx {
		for i := 1; i < len(a); i += 2 {
			if s.write(a[i]).Exists() {
				s.w.int(0)
				return
			}
		}
	}
	for i := 1; i < len(a); i += 2 {
		s.setString(s.write(a[i]), a[i], a[i+1], false)
		s.changed(a[i], 1)
		s.notify(notifyString, "set", a[i])
	}
	if nx {
		s.w.int(1)
	} else {
		s.w.ok()
	}
}

func cmdAppend(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		e = s.setString(e, a[1], a[2], false)
	} else {
		if s.tooLong(int64(len(e.Str()) + len(a[2]))) {
			return
		}
		e.AppendString(a[2])
	}
	s.changed(a[1], 1)
	s.notify(notifyString, "append", a[1])
	s.w.count(len(e.Str()))
}

func cmdStrlen(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.String)
	switch {
	case !ok:
	case e.Exists():
		s.w.count(len(e.Str()))
	default:
		s.w.int(0)
	}
}

func cmdGetrange(s *Session, a [][]byte) {
	from, ok := s.intArg(a[2])
	if !ok {
		return
	}
	to, ok := s.intArg(a[3])
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.String)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.str("")
		return
	}
	v := e.Str()
	n := int64(len(v))
	if from < 0 && to < 0 && from > to {
		s.w.str("")
		return
	}
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to = max(to+n, 0)
	}
	to = min(to, n-1)
	if from > to || n == 0 {
		s.w.str("")
		return
	}
	s.w.bulk(v[from : to+1])
}

func cmdSetrange(s *Session, a [][]byte) {
	off, ok := s.intArg(a[2])
	if !ok {
		return
	}
	if off < 0 {
		s.fail("ERR offset is out of range")
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.String)
	if !ok {
		return
	}
	v := a[3]
	if len(v) == 0 {
		if e.Exists() {
			s.w.count(len(e.Str()))
		} else {
			s.w.int(0)
		}
		return
	}
	if off > math.MaxInt64-int64(len(v)) || s.tooLong(off+int64(len(v))) {
		if off > math.MaxInt64-int64(len(v)) {
			s.tooLong(math.MaxInt64)
		}
		return
	}
	if !e.Exists() {
		e = s.setString(e, a[1], nil, false)
	}
	copy(e.GrowString(int(off) + len(v))[off:], v)
	s.changed(a[1], 1)
	s.notify(notifyString, "setrange", a[1])
	s.w.count(len(e.Str()))
}

func cmdIncr(s *Session, a [][]byte) {
	by := int64(1)
	if len(a) == 3 {
		var ok bool
		if by, ok = s.intArg(a[2]); !ok {
			return
		}
	}
	if s.cmd.upper[0] == 'D' {
		if by == math.MinInt64 {
			s.fail("ERR decrement would overflow")
			return
		}
		by = -by
	}
	if n, ok := s.incr(a[1], by); ok {
		s.w.int(n)
	}
}

// incr adds to the integer at a key.
func (s *Session) incr(key []byte, by int64) (int64, bool) {
	e, ok := s.typedWrite(key, keyspace.String)
	if !ok {
		return 0, false
	}
	var n int64
	if e.Exists() {
		if n, ok = parseInt(e.Str()); !ok {
			s.fail(msgNotInt)
			return 0, false
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		s.fail(msgOverflow)
		return 0, false
	}
	n += by
	var scratch [24]byte
	s.setString(e, key, appendInt(scratch[:0], n), true)
	s.changed(key, 1)
	s.notify(notifyString, "incrby", key)
	return n, true
}

func cmdIncrbyfloat(s *Session, a [][]byte) {
	key := a[1]
	e, ok := s.typedWrite(key, keyspace.String)
	if !ok {
		return
	}
	n, ok := new(big.Float), true
	if e.Exists() {
		if n, ok = parseLongDouble(e.Str()); !ok {
			s.fail(msgNotFloat)
			return
		}
	}
	by, ok := parseLongDouble(a[2])
	switch {
	case !ok:
		s.fail(msgNotFloat)
		return
	case n == nil || by == nil:
		s.fail(msgInfinite)
		return
	}
	n = addLongDouble(n, by)
	v := formatLongDouble(n)
	s.setString(e, key, v, true).SetText()
	s.changed(key, 1)
	s.notify(notifyString, "incrbyfloat", key)
	s.effect([]byte("SET"), key, v, []byte("KEEPTTL"))
	s.w.bulk(v)
}

// lcsMatch is a piece that two strings have in common.
type lcsMatch struct{ a0, a1, b0, b1 int }

func cmdLcs(s *Session, a [][]byte) {
	var v [2][]byte
	for i := range v {
		if e := s.read(a[1+i]); e.Exists() {
			if e.Type() != keyspace.String {
				s.fail("ERR The specified keys must contain string values")
				return
			}
			v[i] = bytes.Clone(e.Str())
		}
	}
	var getLen, getIdx, withLen bool
	minLen := int64(0)
	for i := 3; i < len(a); i++ {
		switch {
		case is(a[i], "IDX"):
			getIdx = true
		case is(a[i], "LEN"):
			getLen = true
		case is(a[i], "WITHMATCHLEN"):
			withLen = true
		case is(a[i], "MINMATCHLEN") && i+1 < len(a):
			n, ok := s.intArg(a[i+1])
			if !ok {
				return
			}
			minLen = max(n, 0)
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	if getIdx && getLen {
		s.fail("ERR If you want both the length and indexes, please just use IDX.")
		return
	}
	if int64(len(v[0])+1)*int64(len(v[1])+1)*4 > maxString {
		s.fail("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	matches, text := lcs(v[0], v[1], getLen)
	switch {
	case getLen:
		s.w.count(len(text))
	case !getIdx:
		s.w.bulk(text)
	default:
		s.lcsReply(matches, len(text), int(minLen), withLen)
	}
}

func (s *Session) lcsReply(matches []lcsMatch, total, minLen int, withLen bool) {
	s.w.mapHead(2)
	s.w.str("matches")
	at, n := len(s.w.b), 0
	for _, m := range matches {
		if m.a1-m.a0+1 < minLen {
			continue
		}
		n++
		if withLen {
			s.w.array(3)
		} else {
			s.w.array(2)
		}
		for _, p := range [2][2]int{{m.a0, m.a1}, {m.b0, m.b1}} {
			s.w.array(2)
			s.w.count(p[0])
			s.w.count(p[1])
		}
		if withLen {
			s.w.count(m.a1 - m.a0 + 1)
		}
	}
	s.w.arrayAt(at, n)
	s.w.str("len")
	s.w.count(total)
}

// lcs returns the longest common subsequence and its pieces, the last one first.
func lcs(a, b []byte, _ bool) ([]lcsMatch, []byte) {
	w := len(b) + 1
	t := make([]uint32, (len(a)+1)*w)
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				t[i*w+j] = t[(i-1)*w+j-1] + 1
			} else {
				t[i*w+j] = max(t[(i-1)*w+j], t[i*w+j-1])
			}
		}
	}
	left := int(t[len(a)*w+len(b)])
	text := make([]byte, left)
	var matches []lcsMatch
	open := false
	var m lcsMatch
	for i, j := len(a), len(b); i > 0 && j > 0; {
		if a[i-1] == b[j-1] {
			left--
			text[left] = a[i-1]
			switch {
			case open && m.a0 == i && m.b0 == j:
				m.a0, m.b0 = i-1, j-1
			default:
				if open {
					matches = append(matches, m)
				}
				m, open = lcsMatch{i - 1, i - 1, j - 1, j - 1}, true
			}
			i--
			j--
			continue
		}
		if t[(i-1)*w+j] > t[i*w+j-1] {
			i--
		} else {
			j--
		}
	}
	if open {
		matches = append(matches, m)
	}
	return matches, text
}
