package kvstore

import (
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// A popper takes elements from a list or a sorted set that is there, and answers.
type popper func(h *Session, e keyspace.Entry, key []byte)

// popFirst pops from the first key that is there, and tells whether it has answered.
func (s *Session) popFirst(keys [][]byte, t keyspace.Type, pop popper) bool {
	for _, key := range keys {
		e, ok := s.typedWrite(key, t)
		if !ok {
			return true
		}
		if e.Exists() {
			pop(s, e, key)
			return true
		}
	}
	return false
}

// popOrWait is popFirst that waits if there is no key.
func (s *Session) popOrWait(timeout []byte, keys [][]byte, t keyspace.Type, pop popper) {
	d, ok := s.timeoutArg(timeout)
	if !ok || s.popFirst(keys, t, pop) {
		return
	}
	s.wait(d, &waiter{
		typ:    t,
		nobody: func(w *writer) { w.nullArray() },
		serve:  func(h *Session, key []byte) { pop(h, h.write(key), key) },
	}, keys)
}

func cmdBpop(s *Session, a [][]byte) {
	front := s.cmd.upper == "BLPOP"
	last := len(a) - 1
	s.popOrWait(a[last], a[1:last], keyspace.List, func(h *Session, e keyspace.Entry, key []byte) { h.bpop(e, key, front) })
}

func cmdBzpop(s *Session, a [][]byte) {
	lowest := s.cmd.upper == "BZPOPMIN"
	last := len(a) - 1
	s.popOrWait(a[last], a[1:last], keyspace.ZSet, func(h *Session, e keyspace.Entry, key []byte) {
		h.w.array(3)
		h.w.bulk(key)
		h.zpop(e, key, lowest, 1, false)
	})
}

// cmdMpop is LMPOP and ZMPOP, and with a timeout before the keys BLMPOP and BZMPOP.
func cmdMpop(s *Session, a [][]byte) {
	name, blocks := strings.CutPrefix(s.cmd.upper, "B")
	num := 1
	if blocks {
		num = 2
	}
	var keys [][]byte
	var first, ok bool
	var count int64
	var pop popper
	t := keyspace.List
	if name == "LMPOP" {
		keys, first, count, ok = s.mpopArgs(a, num, "LEFT", "RIGHT")
		pop = func(h *Session, e keyspace.Entry, key []byte) { h.lmpopFrom(e, key, first, count) }
	} else {
		t = keyspace.ZSet
		keys, first, count, ok = s.mpopArgs(a, num, "MIN", "MAX")
		pop = func(h *Session, e keyspace.Entry, key []byte) { h.zmpopFrom(e, key, first, count) }
	}
	switch {
	case !ok:
	case blocks:
		s.popOrWait(a[1], keys, t, pop)
	case !s.popFirst(keys, t, pop):
		s.w.nullArray()
	}
}

// removeMembers removes members of a set, or fields of a hash, and the key with the
// last of them.
func (s *Session) removeMembers(a [][]byte, t keyspace.Type, length func(keyspace.Entry) int, remove func(*keyspace.Entry, []byte) bool, class int64) {
	e, ok := s.typedWrite(a[1], t)
	if !ok {
		return
	}
	n := 0
	if e.Exists() {
		left := length(e)
		for _, m := range a[2:] {
			if left > 0 && remove(&e, m) {
				n++
				left--
			}
		}
		if n > 0 {
			s.changed(a[1], n)
			s.notify(class, s.cmd.name, a[1])
			s.emptied(e, a[1], left)
		}
	}
	s.w.count(n)
}

// popCount returns the count behind the key of LPOP, RPOP and SPOP, -1 if there is none.
func (s *Session) popCount(a [][]byte) (count int64, ok bool) {
	if len(a) < 3 {
		return -1, true
	}
	return s.rangeArg(a[2], 0, math.MaxInt64, msgPositive)
}

func (s *Session) zmpopFrom(e keyspace.Entry, key []byte, lowest bool, count int64) {
	n := int(min(count, int64(e.ZLen())))
	s.w.array(2)
	s.w.bulk(key)
	s.w.array(n)
	s.zpop(e, key, lowest, n, true)
}

// mpopArgs reads numkeys key... LEFT|RIGHT [COUNT n], or MIN|MAX.
func (s *Session) mpopArgs(a [][]byte, num int, first, second string) (keys [][]byte, isFirst bool, count int64, ok bool) {
	n, ok := s.rangeArg(a[num], 1, math.MaxInt64, "ERR numkeys should be greater than 0")
	if !ok {
		return
	}
	where := num + 1 + int(min(n, int64(len(a))))
	if n > int64(len(a)) || where >= len(a) {
		s.fail(msgSyntax)
		return nil, false, 0, false
	}
	switch {
	case is(a[where], first):
		isFirst = true
	case !is(a[where], second):
		s.fail(msgSyntax)
		return nil, false, 0, false
	}
	count = -1
	for i := where + 1; i < len(a); i++ {
		if count != -1 || !is(a[i], "COUNT") || i+1 == len(a) {
			s.fail(msgSyntax)
			return nil, false, 0, false
		}
		if count, ok = s.rangeArg(a[i+1], 1, math.MaxInt64, "ERR count should be greater than 0"); !ok {
			return
		}
		i++
	}
	if count == -1 {
		count = 1
	}
	return a[num+1 : where], isFirst, count, true
}

func (s *Session) lmpopFrom(e keyspace.Entry, key []byte, front bool, count int64) {
	n := int(min(count, int64(e.ListLen())))
	s.w.array(2)
	s.w.bulk(key)
	s.w.array(n)
	for range n {
		s.popBulk(&e, front)
	}
	s.popped(e, key, front, n)
	name := []byte("RPOP")
	if front {
		name = []byte("LPOP")
	}
	s.effect(name, key, itoa(int64(n)))
}

func (s *Session) bpop(e keyspace.Entry, key []byte, front bool) {
	s.w.array(2)
	s.w.bulk(key)
	s.popBulk(&e, front)
	s.popped(e, key, front, 1)
	if front {
		s.effect([]byte("LPOP"), key)
	} else {
		s.effect([]byte("RPOP"), key)
	}
}
