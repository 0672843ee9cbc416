package kvstore

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

func cmdSadd(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.Set)
	if !ok {
		return
	}
	if !e.Exists() {
		e = e.Shard().NewSet(e, a[1], a[2])
	}
	n := 0
	for _, m := range a[2:] {
		if e.SetAdd(m) {
			n++
		}
	}
	if n > 0 {
		s.changed(a[1], n)
		s.notify(notifySet, "sadd", a[1])
	}
	s.w.count(n)
}

func cmdSrem(s *Session, a [][]byte) {
	s.removeMembers(a, keyspace.Set, keyspace.Entry.SetLen, (*keyspace.Entry).SetDelete, notifySet)
}

func cmdScard(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Set)
	switch {
	case !ok:
	case e.Exists():
		s.w.count(e.SetLen())
	default:
		s.w.int(0)
	}
}

func cmdSismember(s *Session, a [][]byte) {
	if e, ok := s.typed(a[1], keyspace.Set); ok {
		s.w.bool(e.Exists() && e.SetHas(a[2]))
	}
}

func cmdSmismember(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Set)
	if !ok {
		return
	}
	s.w.array(len(a) - 2)
	for _, m := range a[2:] {
		s.w.bool(e.Exists() && e.SetHas(m))
	}
}

func cmdSmembers(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Set)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.setHead(0)
		return
	}
	s.w.setHead(e.SetLen())
	e.SetEach(func(m []byte) bool {
		s.w.bulk(m)
		return true
	})
}

func cmdSmove(s *Session, a [][]byte) {
	src, dst, m := a[1], a[2], a[3]
	e := s.write(src)
	if !e.Exists() {
		s.w.int(0)
		return
	}
	t := s.write(dst)
	if e.Type() != keyspace.Set || t.Exists() && t.Type() != keyspace.Set {
		s.fail(msgWrongType)
		return
	}
	if bytes.Equal(src, dst) {
		s.w.bool(e.SetHas(m))
		return
	}
	if !e.SetDelete(m) {
		s.w.int(0)
		return
	}
	s.notify(notifySet, "srem", src)
	s.emptied(e, src, e.SetLen())
	if !t.Exists() {
		t = t.Shard().NewSet(t, dst, m)
	}
	s.changed(src, 1)
	if t.SetAdd(m) {
		s.changed(dst, 1)
		s.notify(notifySet, "sadd", dst)
	}
	s.w.int(1)
}

func cmdSpop(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	count, ok := s.popCount(a)
	if !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.Set)
	if !ok {
		return
	}
	if !e.Exists() || count == 0 {
		if count < 0 {
			s.w.null()
		} else {
			s.w.setHead(0)
		}
		return
	}
	n := 1
	if count >= 0 {
		n = int(min(count, int64(e.SetLen())))
		s.w.setHead(n)
	}
	log := [][]byte{[]byte("SREM"), a[1]}
	left := e.SetLen() - n
	for range n {
		m := e.SetRandom(nil, rand.IntN)
		e.SetDelete(m)
		s.w.bulk(m)
		log = append(log, m)
	}
	s.changed(a[1], n)
	s.notify(notifySet, "spop", a[1])
	s.effect(log...)
	s.emptied(e, a[1], left)
}

func cmdSrandmember(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	if len(a) == 2 {
		e, ok := s.typed(a[1], keyspace.Set)
		switch {
		case !ok:
		case e.Exists():
			s.w.bulk(e.SetRandom(nil, rand.IntN))
		default:
			s.w.null()
		}
		return
	}
	count, _, ok := s.countArgs(a, "")
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.Set)
	if !ok {
		return
	}
	if !e.Exists() || count == 0 {
		s.w.emptyArray()
		return
	}
	s.randomMembers(count, e.SetLen(), false,
		func(f func(a, b []byte)) { f(e.SetRandom(nil, rand.IntN), nil) },
		func(f func(a, b []byte) bool) { e.SetEach(func(m []byte) bool { return f(m, nil) }) },
		func(m, _ []byte) { s.w.bulk(m) })
}

func cmdSscan(s *Session, a [][]byte) {
	e, pos, o, ok := s.scanCollection(a, keyspace.Set)
	if !ok {
		return
	}
	var found [][]byte
	next := s.scanLoop(e, pos, o, func(p uint64, seen func()) uint64 {
		return e.SetScan(p, func(m []byte) {
			seen()
			if o.match(m) {
				found = append(found, bytes.Clone(m))
			}
		})
	})
	s.scanReply(next, len(found))
	for _, b := range found {
		s.w.bulk(b)
	}
}

// setSources returns the sets of some keys, for reading; those that are not there
// are left out, and missing tells of them.
func (s *Session) setSources(keys [][]byte) (sets []keyspace.Entry, missing, ok bool) {
	for _, key := range keys {
		e, ok := s.typed(key, keyspace.Set)
		if !ok {
			return nil, false, false
		}
		missing = missing || !e.Exists()
		sets = append(sets, e)
	}
	return sets, missing, true
}

// intersect calls f for the members that all sets have, until it returns false.
func intersect(sets []keyspace.Entry, f func(m []byte) bool) {
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b keyspace.Entry) int { return cmp.Compare(a.SetLen(), b.SetLen()) })
	sets[0].SetEach(func(m []byte) bool {
		for _, o := range sets[1:] {
			if !o.SetHas(m) {
				return true
			}
		}
		return f(m)
	})
}

func cmdSetOp(s *Session, a [][]byte) {
	op := s.cmd.upper[1] // Inter, Union, Diff
	keys := a[1:]
	store := s.cmd.flags&fWrite != 0
	if store {
		keys = a[2:]
	}
	sets, missing, ok := s.setSources(keys)
	if !ok {
		return
	}
	var found [][]byte
	add := func(m []byte) bool {
		found = append(found, bytes.Clone(m))
		return true
	}
	switch op {
	case 'I':
		if !missing {
			intersect(sets, add)
		}
	case 'U':
		seen := make(map[string]struct{})
		for _, e := range sets {
			if !e.Exists() {
				continue
			}
			e.SetEach(func(m []byte) bool {
				if _, ok := seen[string(m)]; !ok {
					seen[string(m)] = struct{}{}
					add(m)
				}
				return true
			})
		}
	default:
		if sets[0].Exists() {
			sets[0].SetEach(func(m []byte) bool {
				for _, o := range sets[1:] {
					if o.Exists() && o.SetHas(m) {
						return true
					}
				}
				return add(m)
			})
		}
	}
	if store {
		s.storeSet(a[1], found)
		return
	}
	s.w.setHead(len(found))
	for _, m := range found {
		s.w.bulk(m)
	}
}

// replaced deletes what a key is, to make it something else.
func (s *Session) replaced(key []byte) (e keyspace.Entry, had bool) {
	e = s.write(key)
	if e.Exists() {
		s.remove(e)
		return e.Gone(), true
	}
	return e, false
}

func (s *Session) storeSet(key []byte, members [][]byte) {
	e, had := s.replaced(key)
	for _, m := range members {
		if !e.Exists() {
			e = e.Shard().NewSet(e, key, m)
		}
		e.SetAdd(m)
	}
	if len(members) > 0 {
		s.changed(key, 1)
		s.notify(notifySet, map[byte]string{'I': "sinterstore", 'U': "sunionstore", 'D': "sdiffstore"}[s.cmd.upper[1]], key)
	} else if had {
		s.changed(key, 1)
		s.notify(notifyGeneric, "del", key)
	}
	s.w.count(len(members))
}

func cmdSintercard(s *Session, a [][]byte) {
	n, ok := s.rangeArg(a[1], 1, math.MaxInt64, "ERR numkeys should be greater than 0")
	if !ok {
		return
	}
	if n > int64(len(a)-2) {
		s.fail("ERR Number of keys can't be greater than number of args")
		return
	}
	limit := int64(0)
	rest := a[2+n:]
	for i := 0; i < len(rest); i++ {
		if !is(rest[i], "LIMIT") || i+1 == len(rest) {
			s.fail(msgSyntax)
			return
		}
		i++
		if limit, ok = s.rangeArg(rest[i], 0, math.MaxInt64, "ERR LIMIT can't be negative"); !ok {
			return
		}
	}
	sets, missing, ok := s.setSources(a[2 : 2+n])
	if !ok {
		return
	}
	count := int64(0)
	if !missing {
		intersect(sets, func([]byte) bool {
			count++
			return limit == 0 || count < limit
		})
	}
	s.w.int(count)
}
