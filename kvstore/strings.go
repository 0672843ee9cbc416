package kvstore

import (
	"math"
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
	case found == table.Absent && s.db.conf.notify.Load()&notifyKeyMiss == 0:
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
		case next != nil && !o.keep && !o.persist:
			unit := timeUnit(opt)
			if unit == "" || o.unit != "" && o.unit != unit { // the same one may come again
				return bad()
			}
			o.unit, o.time = unit, next
			i++
		default:
			return bad()
		}
	}
	return o, true
}

// timeUnit is the unit that an option gives a time in, for deadline; empty for others.
func timeUnit(opt []byte) string {
	for _, unit := range [...]string{"EX", "PX", "EXAT", "PXAT"} {
		if is(opt, unit) {
			return unit
		}
	}
	return ""
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
		s.counted(e)
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
	s.counted(e)
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
	s.counted(e)
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
	s.counted(e)
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
	from, to, ok := s.intArgs(a[2], a[3])
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
