package kvstore

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

func cmdDel(s *Session, a [][]byte) {
	n := 0
	for _, key := range a[1:] {
		e := s.write(key)
		if !e.Exists() {
			continue
		}
		s.remove(e)
		s.changed(key, 1)
		s.notify(notifyGeneric, "del", key)
		n++
	}
	s.w.count(n)
}

func cmdExists(s *Session, a [][]byte) {
	n := 0
	for _, key := range a[1:] {
		if s.glimpse(key).Exists() {
			n++
		}
	}
	s.w.count(n)
}

func cmdTouch(s *Session, a [][]byte) {
	n := 0
	for _, key := range a[1:] {
		if s.read(key).Exists() {
			n++
		}
	}
	s.w.count(n)
}

func cmdType(s *Session, a [][]byte) {
	if e := s.glimpse(a[1]); e.Exists() {
		s.w.status(e.Type().String())
	} else {
		s.w.status("none")
	}
}

// eachKey calls f for the live keys of the database of the session; all stripes are
// locked.
func (s *Session) eachKey(f func(e keyspace.Entry) bool) {
	more := true
	for i := 0; i < keyspace.Stripes && more; i++ {
		s.db.sp.ShardAt(s.dbi, i).Each(func(e keyspace.Entry) bool {
			if !s.isExpired(e) {
				more = f(e)
			}
			return more
		})
	}
}

func cmdKeys(s *Session, a [][]byte) {
	pattern := string(a[1])
	at, n := len(s.w.b), 0
	s.eachKey(func(e keyspace.Entry) bool {
		if pattern == "*" || glob.Match(pattern, string(e.Key())) {
			s.w.bulk(e.Key())
			n++
		}
		return true
	})
	s.w.arrayAt(at, n)
}

func cmdRandomkey(s *Session, _ [][]byte) {
	for range 100 {
		// A stripe by its number of keys.
		total, _ := s.db.sp.LenLocked(s.dbi)
		if total == 0 {
			break
		}
		i := rand.IntN(total)
		for st := range keyspace.Stripes {
			sh := s.db.sp.ShardAt(s.dbi, st)
			if i -= sh.Len(); i < 0 {
				if e := sh.Random(); !s.isExpired(e) {
					s.w.bulk(e.Key())
					return
				}
				break
			}
		}
	}
	var found []byte
	s.eachKey(func(e keyspace.Entry) bool {
		found = e.Key()
		return false
	})
	if found == nil {
		s.w.null()
		return
	}
	s.w.bulk(found)
}

func cmdDbsize(s *Session, _ [][]byte) {
	n, _ := s.db.sp.LenLocked(s.dbi)
	s.w.count(n)
}

func cmdFlush(s *Session, a [][]byte) {
	if len(a) > 2 || len(a) == 2 && !is(a[1], "SYNC") && !is(a[1], "ASYNC") {
		s.fail(msgSyntax)
		return
	}
	first, last := s.dbi, s.dbi
	if s.cmd.upper == "FLUSHALL" {
		first, last = 0, s.db.sp.DBs()-1
	}
	s.touchDBs(func(at blockKey) (presence, bool) { return absent, first <= at.db && at.db <= last })
	n := 0
	for db := first; db <= last; db++ {
		n += s.db.sp.Flush(db)
	}
	s.tidy = nil
	s.dirty += n
	s.flushed = s.cmd.upper == "FLUSHALL" && !s.replaying
	// An empty flush is logged too, as Redis does.
	s.db.stats.dirty.Add(1)
	s.effect(a...)
	s.w.ok()
}

func cmdSwapdb(s *Session, a [][]byte) {
	x, ok1 := parseInt(a[1])
	y, ok2 := parseInt(a[2])
	n := int64(s.db.sp.DBs())
	switch {
	case !ok1:
		s.fail("ERR invalid first DB index")
		return
	case !ok2:
		s.fail("ERR invalid second DB index")
		return
	case x < 0 || x >= n || y < 0 || y >= n:
		s.fail("ERR DB index is out of range")
		return
	}
	s.w.ok()
	if x == y {
		s.dirty++
		return
	}
	s.touchDBs(func(at blockKey) (presence, bool) {
		switch at.db {
		case int(x):
			return s.presence(blockKey{int(y), at.key}), true
		case int(y):
			return s.presence(blockKey{int(x), at.key}), true
		}
		return absent, false
	})
	s.db.sp.Swap(int(x), int(y))
	s.dirty++
	s.db.blocking.swapped(s, int(x), int(y))
}

// swapped signals the keys that may be there now.
func (b *blocking) swapped(s *Session, dbs ...int) {
	if b.n.Load() == 0 {
		return
	}
	b.mu.Lock()
	var all []blockKey
	for at := range b.by {
		if at.db == dbs[0] || at.db == dbs[1] {
			all = append(all, at)
		}
	}
	b.mu.Unlock()
	for _, at := range all {
		s.signal(at.db, []byte(at.key))
	}
}

func cmdRename(s *Session, a [][]byte) {
	from, to := a[1], a[2]
	e := s.write(from)
	if !e.Exists() {
		s.fail(msgNoKey)
		return
	}
	nx := s.cmd.upper == "RENAMENX"
	if bytes.Equal(from, to) {
		if nx {
			s.w.int(0)
		} else {
			s.w.ok()
		}
		return
	}
	old := s.write(to)
	if old.Exists() {
		if nx {
			s.w.int(0)
			return
		}
		s.remove(old)
		s.changed(to, 0)
	}
	s.move(s.write(from), s.write(to), s.dbi, to)
	s.changed(from, 1)
	s.changed(to, 0)
	s.notify(notifyGeneric, "rename_from", from)
	s.notify(notifyGeneric, "rename_to", to)
	if nx {
		s.w.int(1)
	} else {
		s.w.ok()
	}
}

// move gives the value of a key to another one, which is not there.
func (s *Session) move(e, dst keyspace.Entry, dbi int, to []byte) {
	s.tidy = e.Shard()
	if t := e.Move(dst, to).Type(); t == keyspace.List || t == keyspace.ZSet {
		s.signal(dbi, to)
	}
}

// put makes a key that is not there the given value.
func (s *Session) put(dbi int, key []byte, v *keyspace.Value) {
	h := s.hash(key)
	sh := s.db.sp.WriteShard(dbi, h)
	e := sh.Put(sh.FindWrite(h, key), key, v)
	e.SetIdle(v.Idle)
	if v.Type == keyspace.List || v.Type == keyspace.ZSet {
		s.signal(dbi, key)
	}
}

func cmdMove(s *Session, a [][]byte) {
	n, ok := parseInt(a[2])
	if !ok {
		s.fail(msgNotInt)
		return
	}
	if n < 0 || n >= int64(s.db.sp.DBs()) {
		s.fail("ERR DB index is out of range")
		return
	}
	if int(n) == s.dbi {
		s.fail("ERR source and destination objects are the same")
		return
	}
	e := s.write(a[1])
	dst := s.writeIn(int(n), a[1])
	if !e.Exists() || dst.Exists() {
		s.w.int(0)
		return
	}
	s.move(e, dst, int(n), a[1])
	s.changed(a[1], 1)
	s.touchWatched(int(n), a[1], false)
	s.notify(notifyGeneric, "move_from", a[1])
	s.notifyIn(int(n), notifyGeneric, "move_to", a[1])
	s.w.int(1)
}

func cmdCopy(s *Session, a [][]byte) {
	dbi, replace := s.dbi, false
	for i := 3; i < len(a); i++ {
		switch {
		case is(a[i], "REPLACE"):
			replace = true
		case is(a[i], "DB") && i+1 < len(a):
			n, ok := s.intArg(a[i+1])
			if !ok {
				return
			}
			if n < 0 || n >= int64(s.db.sp.DBs()) {
				s.fail("ERR DB index is out of range")
				return
			}
			dbi = int(n)
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	if dbi == s.dbi && bytes.Equal(a[1], a[2]) {
		s.fail("ERR source and destination objects are the same")
		return
	}
	e := s.counted(s.write(a[1]))
	if !e.Exists() {
		s.w.int(0)
		return
	}
	v := e.Freeze()
	if old := s.writeIn(dbi, a[2]); old.Exists() {
		if !replace {
			s.w.int(0)
			return
		}
		s.remove(old)
	}
	s.put(dbi, a[2], &v)
	s.dirty++
	s.touchWatched(dbi, a[2], false)
	s.notifyIn(dbi, notifyGeneric, "copy_to", a[2])
	s.w.int(1)
}

// scanOptions are those of the SCAN family.
type scanOptions struct {
	pattern string
	all     bool
	count   int64
	typ     string
}

func (o *scanOptions) match(b []byte) bool { return o.all || glob.Match(o.pattern, string(b)) }

func (s *Session) scanArgs(cursor []byte, opts [][]byte, types bool) (pos uint64, o scanOptions, ok bool) {
	o = scanOptions{all: true, count: 10}
	pos, ok = parseCursor(cursor)
	if !ok {
		s.fail("ERR invalid cursor")
		return 0, o, false
	}
	for i := 0; i < len(opts); i += 2 {
		switch {
		case is(opts[i], "COUNT") && i+1 < len(opts):
			if o.count, ok = s.intArg(opts[i+1]); !ok {
				return 0, o, false
			}
			if o.count < 1 {
				s.fail(msgSyntax)
				return 0, o, false
			}
		case is(opts[i], "MATCH") && i+1 < len(opts):
			o.pattern = string(opts[i+1])
			o.all = o.pattern == "*"
		case is(opts[i], "TYPE") && i+1 < len(opts) && types:
			o.typ = strings.ToLower(string(opts[i+1]))
		default:
			s.fail(msgSyntax)
			return 0, o, false
		}
	}
	return pos, o, true
}

// scanCollection finds the collection that HSCAN and its like are about; ok is
// false after an answer was given.
func (s *Session) scanCollection(a [][]byte, t keyspace.Type) (e keyspace.Entry, pos uint64, o scanOptions, ok bool) {
	if _, ok = parseCursor(a[2]); !ok {
		s.fail("ERR invalid cursor")
		return
	}
	if e, ok = s.typed(a[1], t); !ok {
		return
	}
	if !e.Exists() {
		s.scanReply(0, 0)
		return e, 0, o, false
	}
	pos, o, ok = s.scanArgs(a[2], a[3:], false)
	return
}

// parseCursor reads an unsigned number as C's strtoul does, without spaces before
// it: nothing at all is 0.
func parseCursor(b []byte) (uint64, bool) {
	b = cString(b)
	neg := len(b) > 1 && b[0] == '-'
	if len(b) > 1 && (neg || b[0] == '+') {
		b = b[1:]
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > (1<<64-1)/10 || n*10 > 1<<64-1-uint64(c-'0') {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// cmdScan: a cursor is a stripe and, above it, a place in the order of the hashes.
func cmdScan(s *Session, a [][]byte) {
	cursor, o, ok := s.scanArgs(a[1], a[2:], true)
	if !ok {
		return
	}
	stripe, pos := int(cursor%keyspace.Stripes), cursor/keyspace.Stripes<<32
	var keys [][]byte
	left, steps := o.count, o.count*10
	for left > 0 && steps > 0 {
		pos = s.db.sp.ShardAt(s.dbi, stripe).Scan(pos, func(e keyspace.Entry) bool {
			left--
			if s.isExpired(e) {
				s.stale = append(s.stale, bytes.Clone(e.Key()))
			} else if o.match(e.Key()) && (o.typ == "" || o.typ == e.Type().String()) {
				keys = append(keys, e.Key())
			}
			return true
		})
		steps--
		if pos == 0 {
			if stripe++; stripe == keyspace.Stripes {
				stripe = 0
				break
			}
		}
	}
	s.scanReply(uint64(stripe)|pos>>32*keyspace.Stripes, len(keys))
	for _, k := range keys {
		s.w.bulk(k)
	}
}

func (s *Session) scanReply(cursor uint64, n int) {
	s.w.array(2)
	s.w.bulk(appendUint(nil, cursor))
	s.w.array(n)
}

func appendUint(dst []byte, n uint64) []byte {
	if n >= 10 {
		dst = appendUint(dst, n/10)
	}
	return append(dst, '0'+byte(n%10))
}

func cmdObjectEncoding(s *Session, a [][]byte) {
	if e := s.glimpse(a[2]); e.Exists() {
		s.w.str(e.Encoding())
	} else {
		s.w.null()
	}
}

// cmdObjectRefcount tells what Redis would: it shares small integers, unless each key
// needs a time of its own for LRU.
func cmdObjectRefcount(s *Session, a [][]byte) {
	c := &s.db.conf
	e := s.glimpse(a[2])
	switch {
	case !e.Exists():
		s.w.null()
		return
	case e.Type() == keyspace.String && e.Encoding() == "int" && (c.maxMemory.Load() == 0 || c.policy.Load() == noEviction):
		if n, ok := parseInt(e.Str()); ok && 0 <= n && n < 10000 {
			s.w.int(math.MaxInt32)
			return
		}
	}
	s.w.int(1)
}

func cmdObjectIdletime(s *Session, a [][]byte) {
	if e := s.glimpse(a[2]); e.Exists() {
		s.w.int(int64(e.Idle()))
	} else {
		s.w.null()
	}
}

func cmdObjectFreq(s *Session, a [][]byte) {
	if e := s.glimpse(a[2]); !e.Exists() {
		s.w.null()
		return
	}
	s.fail("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
}
