package keyspace

import (
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/intset"
	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// NewSet makes a key that is not there an empty set, which must not stay empty;
// member is the first one that it will have.
func (s *Shard) NewSet(e Entry, key, member []byte) Entry {
	if _, ok := listpack.ParseInt(member); ok && s.sp.Limits.IntsetEntries.Load() > 0 {
		e = s.insert(e.h, key, encIntset, len(intset.New(s.scratch[:0])))
		intset.New(e.payload()[:0])
		return e
	}
	e = s.insert(e.h, key, encIntset, 4)
	e.setObject(encSet, object{tab: table.New(s.sp.Hash, &s.sp.pool)})
	return e
}

// SetLen returns the number of members.
func (e Entry) SetLen() int {
	if e.enc() == encSet {
		return e.object().tab.Len()
	}
	return intset.Len(e.payload())
}

// SetHas tells whether a member is there.
func (e Entry) SetHas(member []byte) bool {
	if e.enc() == encSet {
		t := e.object().tab
		return t.Find(t.Hash(member), member) != 0
	}
	n, ok := listpack.ParseInt(member)
	if ok {
		_, ok = intset.Find(e.payload(), n)
	}
	return ok
}

// setBig makes the set large.
func (e *Entry) setBig() *table.Table {
	is := e.payload()
	t := table.NewSize(e.s.sp.Hash, intset.Len(is)+1, &e.s.sp.pool)
	var scratch [24]byte
	for i := range intset.Len(is) {
		m := strconv.AppendInt(scratch[:0], intset.At(is, i), 10)
		t.Insert(t.Hash(m), m, 0, 0)
	}
	e.setObject(encSet, object{tab: t})
	return t
}

// SetAdd adds a member and tells whether it is new.
func (e *Entry) SetAdd(member []byte) bool {
	if e.enc() == encIntset {
		n, ok := listpack.ParseInt(member)
		if ok {
			return e.intsetAdd(n)
		}
		e.setBig()
	}
	t := e.object().tab
	h := t.Hash(member)
	if t.Find(h, member) != 0 {
		return false
	}
	t.Insert(h, member, 0, 0)
	return true
}

func (e *Entry) intsetAdd(n int64) bool {
	if _, found := intset.Find(e.payload(), n); found {
		return false
	}
	s := e.s
	s.scratch, _ = intset.Add(append(s.scratch[:0], e.payload()...), n)
	e.setPayload(s.scratch)
	if most := s.sp.Limits.IntsetEntries.Load(); int64(intset.Len(e.payload())) > min(most, 1<<30) {
		e.setBig()
	}
	return true
}

// SetDelete removes a member and tells whether it was there.
func (e *Entry) SetDelete(member []byte) bool {
	if e.enc() == encSet {
		t := e.object().tab
		h := t.Hash(member)
		r := t.Find(h, member)
		if r == 0 {
			return false
		}
		t.Delete(h, r)
		if t.Wasted() {
			t.Compact()
		}
		return true
	}
	n, ok := listpack.ParseInt(member)
	if !ok {
		return false
	}
	s := e.s
	s.scratch, ok = intset.Remove(append(s.scratch[:0], e.payload()...), n)
	if ok {
		e.setPayload(s.scratch)
	}
	return ok
}

// SetEach calls f for all members, until it returns false. What f gets is good
// during the call.
func (e Entry) SetEach(f func(member []byte) bool) {
	if e.enc() == encSet {
		t := e.object().tab
		t.Each(func(r table.Ref) bool { return f(t.Key(r)) })
		return
	}
	is := e.payload()
	var scratch [24]byte
	for i := range intset.Len(is) {
		if !f(strconv.AppendInt(scratch[:0], intset.At(is, i), 10)) {
			return
		}
	}
}

// SetScan is Shard.Scan for the members; those of a packed set come at once.
func (e Entry) SetScan(pos uint64, f func(member []byte)) uint64 {
	if e.enc() == encSet {
		t := e.object().tab
		return t.Scan(pos, func(r table.Ref) bool {
			f(t.Key(r))
			return true
		})
	}
	e.SetEach(func(m []byte) bool {
		f(m)
		return true
	})
	return 0
}

// SetRandom appends a member by chance to dst.
func (e Entry) SetRandom(dst []byte, intn func(int) int) []byte {
	if e.enc() == encSet {
		t := e.object().tab
		return append(dst, t.Key(t.Random())...)
	}
	is := e.payload()
	return strconv.AppendInt(dst, intset.At(is, intn(intset.Len(is))), 10)
}

// SetIsInts tells whether the set is packed as integers.
func (e Entry) SetIsInts() bool { return e.enc() == encIntset }
