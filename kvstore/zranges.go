package kvstore

import (
	"bytes"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

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
	s.storeZset(dst, pairs, nil, 1, "zrangestore") // which adds one after the other
}

// storeZset makes a key a sorted set, or nothing, and answers how large it is. Its
// encoding is at first what n members ask for, and the longest of them.
func (s *Session) storeZset(dst []byte, pairs []zpair, longest []byte, n int, event string) {
	e, had := s.replaced(dst)
	for _, p := range pairs {
		if !e.Exists() {
			e = e.Shard().NewZSet(e, dst, longest, n)
		}
		e.ZSet(p.member, p.score)
	}
	if len(pairs) > 0 {
		s.changed(dst, 1)
		if !had { // who waits for a sorted set where something else was goes on waiting, as in Redis
			s.signal(s.dbi, dst)
		}
		s.notify(notifyZSet, event, dst)
	} else if had {
		s.changed(dst, 1)
		s.notify(notifyGeneric, "del", dst)
	}
	s.w.count(len(pairs))
}
