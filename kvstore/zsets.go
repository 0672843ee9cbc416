package kvstore

import (
	"bytes"
	"math"
	"math/rand/v2"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

const msgNaN = "ERR resulting score is not a number (NaN)"

// zaddFlags are the options of ZADD.
type zaddFlags struct{ nx, xx, gt, lt, ch, incr bool }

func cmdZadd(s *Session, a [][]byte) {
	var f zaddFlags
	at := 2
	if s.cmd.upper == "ZINCRBY" {
		f.incr = true
	} else {
	options:
		for ; at < len(a); at++ {
			switch {
			case is(a[at], "NX"):
				f.nx = true
			case is(a[at], "XX"):
				f.xx = true
			case is(a[at], "GT"):
				f.gt = true
			case is(a[at], "LT"):
				f.lt = true
			case is(a[at], "CH"):
				f.ch = true
			case is(a[at], "INCR"):
				f.incr = true
			default:
				break options
			}
		}
	}
	pairs := a[at:]
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		s.fail(msgSyntax)
		return
	case f.nx && f.xx:
		s.fail("ERR XX and NX options at the same time are not compatible")
		return
	case f.gt && f.nx || f.lt && f.nx || f.gt && f.lt:
		s.fail("ERR GT, LT, and/or NX options at the same time are not compatible")
		return
	case f.incr && len(pairs) > 2:
		s.fail("ERR INCR option supports a single increment-element pair")
		return
	}
	var room [16]float64
	scores := room[:0]
	for i := 0; i < len(pairs); i += 2 {
		score, ok := parseFloat(pairs[i])
		if !ok {
			s.fail(msgNotFloat)
			return
		}
		scores = append(scores, score)
	}
	s.zadd(a[1], pairs, scores, f)
}

func (s *Session) zadd(key []byte, pairs [][]byte, scores []float64, f zaddFlags) {
	e, ok := s.typedWrite(key, keyspace.ZSet)
	if !ok {
		return
	}
	if !e.Exists() {
		if f.xx {
			if f.incr {
				s.w.null()
			} else {
				s.w.int(0)
			}
			return
		}
		e = e.Shard().NewZSet(e, key, pairs[1], 1)
	}
	added, updated, done := 0, 0, 0
	var result float64
	for i, score := range scores {
		m := pairs[2*i+1]
		old, has := e.ZScore(m)
		if has && f.nx || !has && f.xx {
			continue
		}
		if has && f.incr {
			score += old
			if math.IsNaN(score) {
				s.fail(msgNaN)
				return
			}
		}
		if has && (f.gt && score <= old || f.lt && score >= old) {
			continue
		}
		result = score
		done++
		switch {
		case !has:
			e.ZSet(m, score)
			added++
		case score != old:
			e.ZSet(m, score)
			updated++
		}
	}
	if e.ZLen() == 0 { // it was made for nothing
		s.remove(e)
	}
	if added+updated > 0 {
		s.changed(key, added+updated)
		s.signal(s.dbi, key)
		if f.incr {
			s.notify(notifyZSet, "zincr", key)
		} else {
			s.notify(notifyZSet, "zadd", key)
		}
	}
	switch {
	case f.incr && done > 0:
		s.w.double(result)
	case f.incr:
		s.w.null()
	case f.ch:
		s.w.count(added + updated)
	default:
		s.w.count(added)
	}
}

func cmdZrem(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	n := 0
	if e.Exists() {
		left := e.ZLen()
		for _, m := range a[2:] {
			if left > 0 && e.ZDelete(m) {
				n++
				left--
			}
		}
		if n > 0 {
			s.changed(a[1], n)
			s.notify(notifyZSet, "zrem", a[1])
			s.emptied(e, a[1], left)
		}
	}
	s.w.count(n)
}

func cmdZcard(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.ZSet)
	switch {
	case !ok:
	case e.Exists():
		s.w.count(e.ZLen())
	default:
		s.w.int(0)
	}
}

func (s *Session) score(e keyspace.Entry, m []byte) {
	if e.Exists() {
		if f, has := e.ZScore(m); has {
			s.w.double(f)
			return
		}
	}
	s.w.null()
}

func cmdZscore(s *Session, a [][]byte) {
	if e, ok := s.typed(a[1], keyspace.ZSet); ok {
		s.score(e, a[2])
	}
}

func cmdZmscore(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	s.w.array(len(a) - 2)
	for _, m := range a[2:] {
		s.score(e, m)
	}
}

func cmdZrank(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	if e.Exists() {
		if rank := e.ZRank(a[2]); rank >= 0 {
			if s.cmd.upper == "ZREVRANK" {
				rank = e.ZLen() - 1 - rank
			}
			s.w.count(rank)
			return
		}
	}
	s.w.null()
}

// zrange is a range of a sorted set by score or by name.
type zrange struct {
	lex      bool
	min, max zbound
}

// zbound is an end of a range.
type zbound struct {
	score    float64
	name     []byte
	inf      int // of a name: -1 before, 1 behind all names
	excluded bool
}

func (s *Session) scoreBound(b []byte) (zbound, bool) {
	var z zbound
	if len(b) > 0 && b[0] == '(' {
		z.excluded = true
		b = b[1:]
	}
	f, ok := parseScore(b)
	z.score = f
	return z, ok
}

// parseScore reads a number as strtod does, without looking at its range: nothing
// at all is 0, and spaces may come before it.
func parseScore(b []byte) (float64, bool) {
	b = bytes.TrimLeft(cString(b), " \t\n\v\f\r")
	if len(b) == 0 {
		return 0, true
	}
	if f, ok := parseFloat(b); ok {
		return f, true
	}
	if ld, ok := parseLongDouble(b); ok && ld != nil {
		f, _ := ld.Float64()
		return f, true
	}
	return 0, false
}

func lexBound(b []byte) (zbound, bool) {
	switch {
	case len(b) == 0:
	case string(b) == "+":
		return zbound{inf: 1}, true
	case string(b) == "-":
		return zbound{inf: -1}, true
	case b[0] == '[':
		return zbound{name: b[1:]}, true
	case b[0] == '(':
		return zbound{name: b[1:], excluded: true}, true
	}
	return zbound{}, false
}

// bounds reads the ends of a range.
func (s *Session) bounds(lo, hi []byte, lex bool) (r zrange, ok bool) {
	r.lex = lex
	var ok2 bool
	if lex {
		r.min, ok = lexBound(lo)
		r.max, ok2 = lexBound(hi)
		if !ok || !ok2 {
			s.fail("ERR min or max not valid string range item")
		}
		return r, ok && ok2
	}
	r.min, ok = s.scoreBound(lo)
	r.max, ok2 = s.scoreBound(hi)
	if !ok || !ok2 {
		s.fail("ERR min or max is not a float")
	}
	return r, ok && ok2
}

// inside tells whether a member is not before the bound, or, for an upper one, not
// behind it.
func (b *zbound) after(lex bool, m []byte, score float64) bool {
	if lex {
		if b.inf != 0 {
			return b.inf < 0
		}
		c := bytes.Compare(m, b.name)
		return c > 0 || c == 0 && !b.excluded
	}
	return score > b.score || score == b.score && !b.excluded
}

func (b *zbound) beyond(lex bool, m []byte, score float64) bool {
	if lex {
		if b.inf != 0 {
			return b.inf < 0
		}
		c := bytes.Compare(m, b.name)
		return c > 0 || c == 0 && b.excluded
	}
	return score > b.score || score == b.score && b.excluded
}

// ranks returns the ranks of the range: from the first one up to, but without, the
// last one.
func (r *zrange) ranks(e keyspace.Entry) (from, to int) {
	from = e.ZSearch(func(m []byte, score float64) bool { return r.min.after(r.lex, m, score) })
	to = e.ZSearch(func(m []byte, score float64) bool { return r.max.beyond(r.lex, m, score) })
	return from, max(from, to)
}

func cmdZcount(s *Session, a [][]byte) {
	r, ok := s.bounds(a[2], a[3], s.cmd.upper == "ZLEXCOUNT")
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(0)
		return
	}
	from, to := r.ranks(e)
	s.w.count(to - from)
}

func cmdZremrange(s *Session, a [][]byte) {
	var r zrange
	var first, last int64
	byRank := s.cmd.upper == "ZREMRANGEBYRANK"
	var ok bool
	if byRank {
		if first, ok = s.intArg(a[2]); !ok {
			return
		}
		if last, ok = s.intArg(a[3]); !ok {
			return
		}
	} else if r, ok = s.bounds(a[2], a[3], s.cmd.upper == "ZREMRANGEBYLEX"); !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(0)
		return
	}
	var from, to int
	if byRank {
		from, to = listRange(first, last, e.ZLen())
		to++
	} else {
		from, to = r.ranks(e)
	}
	n := to - from
	if n > 0 {
		e.ZDeleteRange(from, n)
		s.changed(a[1], n)
		s.notify(notifyZSet, map[byte]string{'R': "zremrangebyrank", 'S': "zremrangebyscore", 'L': "zremrangebylex"}[s.cmd.upper[11]], a[1])
		s.emptied(e, a[1], e.ZLen())
	}
	s.w.count(n)
}

// rangeQuery is a ZRANGE of any kind.
type rangeQuery struct {
	by         byte // R rank, S score, L name
	rev        bool
	withScores bool
	offset     int64
	limit      int64
}

func (s *Session) parseRange(opts [][]byte, name string) (q rangeQuery, ok bool) {
	q.limit = -1
	anyBy, anyDir := false, false
	switch name {
	case "ZRANGE", "ZRANGESTORE":
		anyBy, anyDir = true, true
	case "ZRANGEBYSCORE":
		q.by = 'S'
	case "ZREVRANGEBYSCORE":
		q.by, q.rev = 'S', true
	case "ZRANGEBYLEX":
		q.by = 'L'
	case "ZREVRANGEBYLEX":
		q.by, q.rev = 'L', true
	default:
		q.by, q.rev = 'R', true
	}
	for i := 0; i < len(opts); i++ {
		switch {
		case name != "ZRANGESTORE" && is(opts[i], "WITHSCORES"):
			q.withScores = true
		case is(opts[i], "LIMIT") && i+2 < len(opts):
			if q.offset, ok = s.intArg(opts[i+1]); !ok {
				return q, false
			}
			if q.limit, ok = s.intArg(opts[i+2]); !ok {
				return q, false
			}
			i += 2
		case anyDir && is(opts[i], "REV"):
			q.rev, anyDir = true, false
		case anyBy && is(opts[i], "BYLEX"):
			q.by, anyBy = 'L', false
		case anyBy && is(opts[i], "BYSCORE"):
			q.by, anyBy = 'S', false
		default:
			s.fail(msgSyntax)
			return q, false
		}
	}
	if q.by == 0 {
		q.by = 'R'
	}
	switch {
	case q.limit != -1 && q.by == 'R':
		s.fail("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
		return q, false
	case q.withScores && q.by == 'L':
		s.fail("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
		return q, false
	}
	return q, true
}

func cmdZrange(s *Session, a [][]byte) {
	name := s.cmd.upper
	at := 1
	if name == "ZRANGESTORE" {
		at = 2
	}
	q, ok := s.parseRange(a[at+3:], name)
	if !ok {
		return
	}
	lo, hi := a[at+1], a[at+2]
	var r zrange
	var first, last int64
	if q.by == 'R' {
		if first, ok = s.intArg(lo); !ok {
			return
		}
		if last, ok = s.intArg(hi); !ok {
			return
		}
	} else {
		if q.rev {
			lo, hi = hi, lo
		}
		if r, ok = s.bounds(lo, hi, q.by == 'L'); !ok {
			return
		}
	}
	e, ok := s.typed(a[at], keyspace.ZSet)
	if !ok {
		return
	}
	from, n := 0, 0
	if e.Exists() {
		from, n = q.locate(e, &r, first, last)
	}
	if name == "ZRANGESTORE" {
		s.storeRange(e, a[1], from, n, q.rev)
		return
	}
	s.membersReply(e, from, n, q.rev, q.withScores)
}

// locate returns the rank of the first member of the answer and their number.
func (q *rangeQuery) locate(e keyspace.Entry, r *zrange, first, last int64) (from, n int) {
	total := e.ZLen()
	if q.by == 'R' {
		lo, hi := listRange(first, last, total)
		if q.rev {
			return total - 1 - lo, hi - lo + 1
		}
		return lo, hi - lo + 1
	}
	lo, hi := r.ranks(e)
	n = hi - lo
	if q.offset < 0 || q.offset >= int64(n) {
		return 0, 0
	}
	n -= int(q.offset)
	if q.limit >= 0 {
		n = int(min(int64(n), q.limit))
	}
	if q.rev {
		return hi - 1 - int(q.offset), n
	}
	return lo + int(q.offset), n
}

func (s *Session) membersReply(e keyspace.Entry, from, n int, rev, withScores bool) {
	pairs := withScores && s.w.proto >= 3
	if withScores && !pairs {
		s.w.array(2 * n)
	} else {
		s.w.array(n)
	}
	if n == 0 {
		return
	}
	e.ZEach(from, rev, func(m []byte, score float64) bool {
		if pairs {
			s.w.array(2)
		}
		s.w.bulk(m)
		if withScores {
			s.w.double(score)
		}
		n--
		return n > 0
	})
}

// zpair is a member with its score.
type zpair struct {
	member []byte
	score  float64
}

func (s *Session) storeRange(e keyspace.Entry, dst []byte, from, n int, rev bool) {
	pairs := make([]zpair, 0, n)
	if n > 0 {
		e.ZEach(from, rev, func(m []byte, score float64) bool {
			pairs = append(pairs, zpair{bytes.Clone(m), score})
			return len(pairs) < n
		})
	}
	s.storeZset(dst, pairs, "zrangestore")
}

// storeZset makes a key a sorted set, or nothing, and answers how large it is.
func (s *Session) storeZset(dst []byte, pairs []zpair, event string) {
	e, had := s.replaced(dst)
	n, longest := 1, []byte(nil)
	if s.cmd.upper != "ZRANGESTORE" { // which adds one after the other
		n = len(pairs)
		for _, p := range pairs {
			if len(p.member) > len(longest) {
				longest = p.member
			}
		}
	}
	for _, p := range pairs {
		if !e.Exists() {
			e = e.Shard().NewZSet(e, dst, longest, n)
		}
		e.ZSet(p.member, p.score)
	}
	if len(pairs) > 0 {
		s.changed(dst, 1)
		s.signal(s.dbi, dst)
		s.notify(notifyZSet, event, dst)
	} else if had {
		s.changed(dst, 1)
		s.notify(notifyGeneric, "del", dst)
	}
	s.w.count(len(pairs))
}

func cmdZpop(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	count := int64(-1)
	if len(a) == 3 {
		var ok bool
		if count, ok = s.rangeArg(a[2], 0, math.MaxInt64, msgPositive); !ok {
			return
		}
	}
	e, ok := s.typedWrite(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	if !e.Exists() || count == 0 {
		s.w.emptyArray()
		return
	}
	nested := s.w.proto >= 3 && count >= 0
	n := int(min(max(count, 1), int64(e.ZLen())))
	if nested {
		s.w.array(n)
	} else {
		s.w.array(2 * n)
	}
	s.zpop(e, a[1], s.cmd.upper == "ZPOPMIN", n, nested)
}

// zpop removes and answers n members from an end.
func (s *Session) zpop(e keyspace.Entry, key []byte, lowest bool, n int, nested bool) {
	total := e.ZLen()
	from, i := 0, 0
	if !lowest {
		from = total - 1
	}
	e.ZEach(from, !lowest, func(m []byte, score float64) bool {
		if nested {
			s.w.array(2)
		}
		s.w.bulk(m)
		s.w.double(score)
		i++
		return i < n
	})
	if !lowest {
		from = total - n
	}
	e.ZDeleteRange(from, n)
	s.changed(key, n)
	name := "zpopmax"
	if lowest {
		name = "zpopmin"
	}
	s.notify(notifyZSet, name, key)
	s.effect([]byte(name), key, itoa(int64(n)))
	s.emptied(e, key, total-n)
}

func cmdZmpop(s *Session, a [][]byte) {
	keys, lowest, count, ok := s.mpopArgs(a, 1, "MIN", "MAX")
	if !ok {
		return
	}
	if !s.zmpop(keys, lowest, count) {
		s.w.nullArray()
	}
}

func (s *Session) zmpop(keys [][]byte, lowest bool, count int64) bool {
	for _, key := range keys {
		e, ok := s.typedWrite(key, keyspace.ZSet)
		if !ok {
			return true
		}
		if e.Exists() {
			s.zmpopFrom(e, key, lowest, count)
			return true
		}
	}
	return false
}

func (s *Session) zmpopFrom(e keyspace.Entry, key []byte, lowest bool, count int64) {
	n := int(min(count, int64(e.ZLen())))
	s.w.array(2)
	s.w.bulk(key)
	s.w.array(n)
	s.zpop(e, key, lowest, n, true)
}

func cmdBzmpop(s *Session, a [][]byte) {
	keys, lowest, count, ok := s.mpopArgs(a, 2, "MIN", "MAX")
	if !ok {
		return
	}
	timeout, ok := s.timeoutArg(a[1]) // Redis looks at it last
	if !ok || s.zmpop(keys, lowest, count) {
		return
	}
	s.wait(timeout, &waiter{
		typ:    keyspace.ZSet,
		nobody: func(w *writer) { w.nullArray() },
		serve:  func(h *Session, key []byte) { h.zmpopFrom(h.write(key), key, lowest, count) },
	}, keys)
}

func cmdBzpop(s *Session, a [][]byte) {
	timeout, ok := s.timeoutArg(a[len(a)-1])
	if !ok {
		return
	}
	lowest := s.cmd.upper == "BZPOPMIN"
	keys := a[1 : len(a)-1]
	pop := func(h *Session, e keyspace.Entry, key []byte) {
		h.w.array(3)
		h.w.bulk(key)
		h.zpop(e, key, lowest, 1, false)
	}
	for _, key := range keys {
		e, ok := s.typedWrite(key, keyspace.ZSet)
		if !ok {
			return
		}
		if e.Exists() {
			pop(s, e, key)
			return
		}
	}
	s.wait(timeout, &waiter{
		typ:    keyspace.ZSet,
		nobody: func(w *writer) { w.nullArray() },
		serve:  func(h *Session, key []byte) { pop(h, h.write(key), key) },
	}, keys)
}

func cmdZscan(s *Session, a [][]byte) {
	e, pos, o, ok := s.scanCollection(a, keyspace.ZSet)
	if !ok {
		return
	}
	var found [][]byte
	next := s.scanLoop(e, pos, o, func(p uint64, seen func()) uint64 {
		return e.ZScan(p, func(m []byte, score float64) {
			seen()
			if o.match(m) {
				text := appendFloat(nil, score)
				if n := int64(score); e.ZPacked() && float64(n) == score && math.Abs(score) < 1<<62 {
					text = itoa(n) // the text of a packed one is a number's
				}
				found = append(found, bytes.Clone(m), text)
			}
		})
	})
	s.scanReply(next, len(found))
	for _, b := range found {
		s.w.bulk(b)
	}
}

func cmdZrandmember(s *Session, a [][]byte) {
	one := func(e keyspace.Entry, f func(m []byte, score float64)) {
		e.ZEach(rand.IntN(e.ZLen()), false, func(m []byte, score float64) bool {
			f(m, score)
			return false
		})
	}
	if len(a) == 2 {
		e, ok := s.typed(a[1], keyspace.ZSet)
		switch {
		case !ok:
		case e.Exists():
			one(e, func(m []byte, _ float64) { s.w.bulk(m) })
		default:
			s.w.null()
		}
		return
	}
	count, withScores, ok := s.countArgs(a, "WITHSCORES")
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.ZSet)
	if !ok {
		return
	}
	if !e.Exists() || count == 0 {
		s.w.emptyArray()
		return
	}
	var score float64
	s.randomMembers(count, e.ZLen(), withScores,
		func(f func(a, b []byte)) {
			one(e, func(m []byte, sc float64) {
				score = sc
				f(m, nil)
			})
		},
		func(f func(a, b []byte) bool) {
			e.ZEach(0, false, func(m []byte, sc float64) bool {
				score = sc
				return f(m, nil)
			})
		},
		func(m, _ []byte) {
			if withScores && s.w.proto >= 3 {
				s.w.array(2)
			}
			s.w.bulk(m)
			if withScores {
				s.w.double(score)
			}
		})
}
