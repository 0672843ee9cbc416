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
	made := !e.Exists()
	if made {
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
		if made {
			s.signal(s.dbi, key)
		}
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
	s.removeMembers(a, keyspace.ZSet, keyspace.Entry.ZLen, (*keyspace.Entry).ZDelete, notifyZSet)
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

func cmdZpop(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	count, ok := s.popCount(a)
	if !ok {
		return
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
