package kvstore

import (
	"bytes"
	"math"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

func cmdPush(s *Session, a [][]byte) {
	name := s.cmd.upper
	front, onlyOld := name[0] == 'L', name[len(name)-1] == 'X'
	e, ok := s.typedWrite(a[1], keyspace.List)
	if !ok {
		return
	}
	made := !e.Exists()
	if made {
		if onlyOld {
			s.w.int(0)
			return
		}
		e = e.Shard().NewList(e, a[1])
	}
	for _, v := range a[2:] {
		e.ListPush(v, front)
	}
	n := e.ListLen()
	if made {
		s.signal(s.dbi, a[1])
	}
	s.changed(a[1], len(a)-2)
	if front {
		s.notify(notifyList, "lpush", a[1])
	} else {
		s.notify(notifyList, "rpush", a[1])
	}
	s.w.count(n)
}

// emptied deletes a collection that has nothing left.
func (s *Session) emptied(e keyspace.Entry, key []byte, left int) {
	if left == 0 {
		s.remove(e)
		s.notify(notifyGeneric, "del", key)
	}
}

func (s *Session) popped(e keyspace.Entry, key []byte, front bool, n int) {
	s.changed(key, n)
	if front {
		s.notify(notifyList, "lpop", key)
	} else {
		s.notify(notifyList, "rpop", key)
	}
	s.emptied(e, key, e.ListLen())
}

// popBulk pops an element and answers it.
func (s *Session) popBulk(e *keyspace.Entry, front bool) {
	var scratch [128]byte
	s.w.bulk(e.ListPop(scratch[:0], front))
}

func cmdPop(s *Session, a [][]byte) {
	front := s.cmd.upper[0] == 'L'
	if len(a) > 3 {
		s.fail(wrongArity(s.cmd))
		return
	}
	count, ok := s.popCount(a)
	if !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	switch {
	case !ok:
		return
	case !e.Exists():
		if count >= 0 {
			s.w.nullArray()
		} else {
			s.w.null()
		}
		return
	case count == 0:
		s.w.emptyArray()
		return
	case count < 0:
		s.popBulk(&e, front)
		s.popped(e, a[1], front, 1)
		return
	}
	n := int(min(count, int64(e.ListLen())))
	s.w.array(n)
	for range n {
		s.popBulk(&e, front)
	}
	s.popped(e, a[1], front, n)
}

func cmdLlen(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.List)
	switch {
	case !ok:
	case e.Exists():
		s.w.count(e.ListLen())
	default:
		s.w.int(0)
	}
}

// listRange turns a range that may count from the end into one inside of n
// elements.
func listRange(from, to int64, n int) (int, int) {
	if from < 0 {
		from = max(from+int64(n), 0)
	}
	if to < 0 {
		to += int64(n)
	}
	to = min(to, int64(n-1))
	if from > to {
		return 0, -1
	}
	return int(from), int(to)
}

func cmdLrange(s *Session, a [][]byte) {
	from, to, ok := s.intArgs(a[2], a[3])
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.List)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.emptyArray()
		return
	}
	first, last := listRange(from, to, e.ListLen())
	n := last - first + 1
	s.w.array(n)
	if n > 0 {
		e.ListEach(first, false, func(v []byte) bool {
			s.w.bulk(v)
			n--
			return n > 0
		})
	}
}

// listIndex turns an index that may count from the end into one inside of n
// elements, or -1.
func listIndex(i int64, n int) int {
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return -1
	}
	return int(i)
}

func cmdLindex(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.List)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.null()
		return
	}
	i, ok := s.intArg(a[2])
	if !ok {
		return
	}
	at := listIndex(i, e.ListLen())
	if at < 0 {
		s.w.null()
		return
	}
	e.ListEach(at, false, func(v []byte) bool {
		s.w.bulk(v)
		return false
	})
}

func cmdLset(s *Session, a [][]byte) {
	e, ok := s.write(a[1]), true
	if !e.Exists() {
		s.fail(msgNoKey)
		return
	}
	if e.Type() != keyspace.List {
		s.fail(msgWrongType)
		return
	}
	i, ok := s.intArg(a[2])
	if !ok {
		return
	}
	at := listIndex(i, e.ListLen())
	if at < 0 {
		s.fail(msgRange)
		return
	}
	e.ListSet(at, a[3])
	s.changed(a[1], 1)
	s.notify(notifyList, "lset", a[1])
	s.w.ok()
}

func cmdLinsert(s *Session, a [][]byte) {
	after := is(a[2], "AFTER")
	if !after && !is(a[2], "BEFORE") {
		s.fail(msgSyntax)
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(0)
		return
	}
	at, i := -1, 0
	e.ListEach(0, false, func(v []byte) bool {
		if bytes.Equal(v, a[3]) {
			at = i
			return false
		}
		i++
		return true
	})
	if at < 0 {
		s.w.int(-1)
		return
	}
	if after {
		at++
	}
	e.ListInsert(at, a[4])
	s.changed(a[1], 1)
	s.notify(notifyList, "linsert", a[1])
	s.w.count(e.ListLen())
}

func cmdLrem(s *Session, a [][]byte) {
	n, ok := s.intArg(a[2])
	if !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	if !ok {
		return
	}
	if !e.Exists() {
		s.w.int(0)
		return
	}
	most, fromEnd := n, false
	if n < 0 {
		most, fromEnd = -n, true
	}
	if most <= 0 { // 0, and the one number that has no positive one
		most = math.MaxInt
	}
	gone := e.ListRemove(a[3], int(most), fromEnd)
	if gone > 0 {
		s.changed(a[1], gone)
		s.notify(notifyList, "lrem", a[1])
		s.emptied(e, a[1], e.ListLen())
	}
	s.w.count(gone)
}

func cmdLtrim(s *Session, a [][]byte) {
	from, to, ok := s.intArgs(a[2], a[3])
	if !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	if !ok {
		return
	}
	if e.Exists() {
		n := e.ListLen()
		first, last := listRange(from, to, n)
		if last < first {
			s.remove(e)
			s.notify(notifyList, "ltrim", a[1])
			s.notify(notifyGeneric, "del", a[1])
		} else {
			e.ListDelete(last+1, n-1-last)
			e.ListDelete(0, first)
			s.notify(notifyList, "ltrim", a[1])
		}
		s.changed(a[1], n-(last-first+1))
		if s.dirty == 0 {
			s.changed(a[1], 1)
		}
	}
	s.w.ok()
}

func cmdLpos(s *Session, a [][]byte) {
	rank, count, maxLen := int64(1), int64(-1), int64(0)
	for i := 3; i < len(a); i += 2 {
		if i+1 == len(a) {
			s.fail(msgSyntax)
			return
		}
		var ok bool
		switch {
		case is(a[i], "RANK"):
			if rank, ok = s.intArg(a[i+1]); !ok {
				return
			}
			if rank == 0 {
				s.fail("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
				return
			}
		case is(a[i], "COUNT"):
			if count, ok = s.rangeArg(a[i+1], 0, math.MaxInt64, "ERR COUNT can't be negative"); !ok {
				return
			}
		case is(a[i], "MAXLEN"):
			if maxLen, ok = s.rangeArg(a[i+1], 0, math.MaxInt64, "ERR MAXLEN can't be negative"); !ok {
				return
			}
		default:
			s.fail(msgSyntax)
			return
		}
	}
	e, ok := s.typed(a[1], keyspace.List)
	if !ok {
		return
	}
	if !e.Exists() {
		if count >= 0 {
			s.w.emptyArray()
		} else {
			s.w.null()
		}
		return
	}
	found := listPositions(e, a[2], rank, count, maxLen)
	if count >= 0 {
		s.w.array(len(found))
		for _, i := range found {
			s.w.count(i)
		}
	} else if len(found) > 0 {
		s.w.count(found[0])
	} else {
		s.w.null()
	}
}

func listPositions(e keyspace.Entry, v []byte, rank, count, maxLen int64) []int {
	i, step, down := 0, 1, false
	if rank < 0 {
		rank, down = -rank, true
		i, step = e.ListLen()-1, -1
	}
	var found []int
	seen := int64(0)
	e.ListEach(i, down, func(el []byte) bool {
		if bytes.Equal(el, v) {
			if rank > 1 {
				rank--
			} else {
				found = append(found, i)
				if count < 0 || count > 0 && int64(len(found)) == count {
					return false
				}
			}
		}
		i += step
		seen++
		return maxLen == 0 || seen < maxLen
	})
	return found
}
