package kvstore

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// sortQuery is a SORT.
type sortQuery struct {
	desc, alpha  bool
	start, count int64
	by, store    []byte
	unsorted     bool
	gets         [][]byte
}

func (s *Session) parseSort(opts [][]byte, readOnly bool) (q sortQuery, ok bool) {
	q.count = -1
	for i := 0; i < len(opts); i++ {
		left := len(opts) - i - 1
		switch {
		case is(opts[i], "ASC"):
			q.desc = false
		case is(opts[i], "DESC"):
			q.desc = true
		case is(opts[i], "ALPHA"):
			q.alpha = true
		case is(opts[i], "LIMIT") && left >= 2:
			if q.start, ok = s.intArg(opts[i+1]); !ok {
				return q, false
			}
			if q.count, ok = s.intArg(opts[i+2]); !ok {
				return q, false
			}
			i += 2
		case is(opts[i], "STORE") && left >= 1 && !readOnly:
			q.store = opts[i+1]
			i++
		case is(opts[i], "BY") && left >= 1:
			q.by = opts[i+1]
			q.unsorted = !bytes.ContainsRune(q.by, '*')
			i++
		case is(opts[i], "GET") && left >= 1:
			q.gets = append(q.gets, opts[i+1])
			i++
		default:
			s.fail(msgSyntax)
			return q, false
		}
	}
	return q, true
}

// sortItem is an element with what it is sorted by.
type sortItem struct {
	v     []byte
	score float64
	by    []byte // nil: nothing
}

func cmdSort(s *Session, a [][]byte) {
	q, ok := s.parseSort(a[2:], s.cmd.upper == "SORT_RO")
	if !ok {
		return
	}
	e := s.read(a[1])
	if e.Exists() && e.Type() != keyspace.List && e.Type() != keyspace.Set && e.Type() != keyspace.ZSet {
		s.fail(msgWrongType)
		return
	}
	if e.Exists() && e.Type() == keyspace.ZSet && s.cmd.flags&fWrite != 0 {
		e = s.write(a[1])
		e.ZUnpack() // as Redis does, where OBJECT ENCODING shows it
	}
	items := q.items(e)
	if !q.unsorted {
		if !s.sortBy(&q, items) {
			return
		}
	}
	s.sortReply(&q, items[q.from(len(items)):q.to(len(items))])
}

// items returns the elements. Those of a sorted set come in their order.
func (q *sortQuery) items(e keyspace.Entry) []sortItem {
	var items []sortItem
	if !e.Exists() {
		return nil
	}
	add := func(v []byte) bool {
		items = append(items, sortItem{v: bytes.Clone(v)})
		return true
	}
	switch e.Type() {
	case keyspace.List:
		down := q.desc && q.unsorted
		from := 0
		if down {
			from = e.ListLen() - 1
		}
		e.ListEach(from, down, add)
	case keyspace.Set:
		e.SetEach(add)
		if q.unsorted && q.store != nil { // what is stored must not depend on chance
			q.unsorted, q.alpha, q.by = false, true, nil
		}
	default:
		from := 0
		if q.desc && q.unsorted {
			from = e.ZLen() - 1
		}
		e.ZEach(from, q.desc && q.unsorted, func(m []byte, _ float64) bool { return add(m) })
	}
	return items
}

func (q *sortQuery) from(n int) int {
	start := max(q.start, 0)
	if start >= int64(n) {
		return n
	}
	return int(start)
}

func (q *sortQuery) to(n int) int {
	if q.count < 0 {
		return n
	}
	from := q.from(n)
	return from + int(min(q.count, int64(n-from)))
}

func (s *Session) sortBy(q *sortQuery, items []sortItem) bool {
	for i := range items {
		it := &items[i]
		v := it.v
		if q.by != nil {
			if v = s.sortLookup(q.by, it.v); v == nil {
				continue
			}
		}
		if q.alpha {
			it.by = v
			continue
		}
		v = bytes.TrimLeft(cString(v), " \t\n\v\f\r") // as strtod does
		score, ok := parseFloat(v)
		ok = ok || len(v) == 0
		if !ok {
			s.fail("ERR One or more scores can't be converted into double")
			return false
		}
		it.score = score
	}
	slices.SortStableFunc(items, func(a, b sortItem) int {
		var c int
		switch {
		case !q.alpha:
			if c = cmp.Compare(a.score, b.score); c == 0 {
				c = bytes.Compare(a.v, b.v)
			}
		case a.by == nil || b.by == nil:
			if a.by != nil {
				c = 1
			} else if b.by != nil {
				c = -1
			}
		case q.store != nil:
			c = bytes.Compare(a.by, b.by)
		default:
			c = bytes.Compare(cString(a.by), cString(b.by)) // strcoll in the locale C
		}
		if q.desc {
			return -c
		}
		return c
	})
	return true
}

// sortLookup returns what a pattern names for an element: a string, or a field of
// a hash behind "->"; nil if there is nothing.
func (s *Session) sortLookup(pattern, v []byte) []byte {
	if string(pattern) == "#" {
		return v
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return nil
	}
	var field []byte
	rest := pattern[star+1:]
	if i := bytes.Index(rest, []byte("->")); i >= 0 && i+2 < len(rest) {
		rest, field = rest[:i], rest[i+2:]
	}
	key := slices.Concat(pattern[:star], v, rest)
	e := s.read(key)
	if !e.Exists() {
		return nil
	}
	if field != nil {
		if e.Type() != keyspace.Hash {
			return nil
		}
		if out, ok := e.HashGet(field, nil); ok {
			return append([]byte{}, out...)
		}
		return nil
	}
	if e.Type() != keyspace.String {
		return nil
	}
	return append([]byte{}, e.Str()...)
}

func (s *Session) sortReply(q *sortQuery, items []sortItem) {
	var out [][]byte
	for i := range items {
		if len(q.gets) == 0 {
			out = append(out, items[i].v)
		}
		for _, g := range q.gets {
			out = append(out, s.sortLookup(g, items[i].v))
		}
	}
	if q.store == nil {
		s.w.array(len(out))
		for _, v := range out {
			if v == nil {
				s.w.null()
			} else {
				s.w.bulk(v)
			}
		}
		return
	}
	e, had := s.replaced(q.store)
	for _, v := range out {
		if !e.Exists() {
			e = e.Shard().NewList(e, q.store)
		}
		e.ListPush(v, false)
	}
	if len(out) > 0 {
		s.changed(q.store, len(out))
		if !had { // who waits for a list where something else was goes on waiting, as in Redis
			s.signal(s.dbi, q.store)
		}
		s.notify(notifyList, "sortstore", q.store)
	} else if had {
		s.changed(q.store, 1)
		s.notify(notifyGeneric, "del", q.store)
	}
	s.w.count(len(out))
}
