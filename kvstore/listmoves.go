package kvstore

import (
	"bytes"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// sideArg reads LEFT or RIGHT.
func (s *Session) sideArg(b []byte) (front, ok bool) {
	switch {
	case is(b, "LEFT"):
		return true, true
	case is(b, "RIGHT"):
		return false, true
	}
	s.fail(msgSyntax)
	return false, false
}

func sideName(front bool) []byte {
	if front {
		return []byte("LEFT")
	}
	return []byte("RIGHT")
}

func (s *Session) moveSides(a [][]byte) (from, to, ok bool) {
	if s.cmd.upper == "RPOPLPUSH" || s.cmd.upper == "BRPOPLPUSH" {
		return false, true, true
	}
	if from, ok = s.sideArg(a[3]); !ok {
		return
	}
	to, ok = s.sideArg(a[4])
	return
}

func cmdLmove(s *Session, a [][]byte) {
	from, to, ok := s.moveSides(a)
	if !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	switch {
	case !ok:
	case !e.Exists():
		s.w.null()
	default:
		s.moveElement(a[1], a[2], from, to)
	}
}

// moveElement moves an element from a list, which is there, to another one, and answers
// it.
func (s *Session) moveElement(src, dst []byte, from, to bool) {
	if t := s.write(dst); t.Exists() && t.Type() != keyspace.List {
		s.fail(msgWrongType)
		return
	}
	e := s.write(src)
	var scratch [128]byte
	v := e.ListPop(scratch[:0], from)
	same, made := bytes.Equal(src, dst), false
	if !same || e.ListLen() > 0 {
		t := e
		if !same {
			t = s.write(dst)
		}
		if made = !t.Exists(); made {
			t = t.Shard().NewList(t, dst)
		}
		t.ListPush(v, to)
		if !same && e.ListLen() == 0 {
			e = s.write(src) // another key of the shard may have moved
		}
	} else {
		e.ListPush(v, to)
	}
	if to {
		s.notify(notifyList, "lpush", dst)
	} else {
		s.notify(notifyList, "rpush", dst)
	}
	if made {
		s.signal(s.dbi, dst)
	}
	s.w.bulk(v)
	if from {
		s.notify(notifyList, "lpop", src)
	} else {
		s.notify(notifyList, "rpop", src)
	}
	s.changed(dst, 1)
	s.changed(src, 0)
	if !same {
		e = s.write(src)
		s.emptied(e, src, e.ListLen())
	}
	s.effect([]byte("LMOVE"), src, dst, sideName(from), sideName(to))
}

func cmdBlmove(s *Session, a [][]byte) {
	from, to, ok := s.moveSides(a)
	if !ok {
		return
	}
	var timeout time.Duration
	if timeout, ok = s.timeoutArg(a[len(a)-1]); !ok {
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.List)
	if !ok {
		return
	}
	if e.Exists() {
		s.moveElement(a[1], a[2], from, to)
		return
	}
	dst := bytes.Clone(a[2])
	s.wait(timeout, &waiter{
		typ:    keyspace.List,
		extra:  keyspace.MaskOf(s.db.sp.Hash(dst)),
		nobody: func(w *writer) { w.nullArray() },
		atOnce: func(w *writer) { w.null() },
		serve: func(h *Session, key []byte) {
			h.expectNew(dst)
			h.moveElement(key, dst, from, to)
			h.endForeseen()
		},
	}, a[1:2])
}
