package keyspace

import (
	"math"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/internal/quicklist"
)

// maxListPack is the length in bytes up to which a list is kept in its record.
const maxListPack = 1024

// NewList makes a key that is not there an empty list, which must not stay empty.
func (s *Shard) NewList(e Entry, key []byte) Entry {
	e = s.insert(e.h, key, encListPack, listpack.Overhead)
	listpack.New(e.payload()[:0])
	return e
}

// listLimits returns the limits of a node.
func (sp *Space) listLimits() (maxBytes, maxEntries int) {
	n := sp.Limits.ListSize.Load()
	switch {
	case n > 0:
		return 8192, int(n)
	case n < -5:
		n = -5
	case n == 0:
		return 8192, 1
	}
	return 4096 << (-n - 1), math.MaxInt32
}

// ListLen returns the number of elements.
func (e Entry) ListLen() int {
	if e.enc() == encList {
		return e.object().list.Len()
	}
	return listpack.Len(e.payload())
}

// ListBig makes the list large.
func (e *Entry) listBig() *quicklist.List {
	if e.enc() == encList {
		return e.object().list
	}
	l := quicklist.New(e.s.sp.listLimits())
	lp := e.payload()
	for at := listpack.Header; !listpack.AtEnd(lp, at); at = listpack.Next(lp, at) {
		var scratch [24]byte
		l.PushBack(listpack.Text(lp[at:], scratch[:]))
	}
	e.setObject(encList, object{list: l})
	return l
}

// packed tells whether the list is in its record and stays there when a value of n
// bytes is added.
func (e *Entry) listPacked(n int) bool {
	return e.enc() == encListPack && len(e.payload())+n+11 <= maxListPack
}

// ListPush adds v at the end, or at the beginning.
func (e *Entry) ListPush(v []byte, front bool) {
	if !e.listPacked(len(v)) {
		if l := e.listBig(); front {
			l.PushFront(v)
		} else {
			l.PushBack(v)
		}
		return
	}
	at := listpack.Header
	if !front {
		at = len(e.payload()) - 1
	}
	e.packInsert(at, v)
}

// packInsert inserts an entry into a pack in the record.
func (e *Entry) packInsert(at int, v []byte) int {
	var scratch [128]byte
	b := listpack.AppendEntry(scratch[:0], v)
	listpack.Finish(e.splice(at, 0, b), 1)
	return at + len(b)
}

// packReplace replaces an entry and returns the offset behind it.
func (e *Entry) packReplace(at int, v []byte) int {
	var scratch [128]byte
	b := listpack.AppendEntry(scratch[:0], v)
	listpack.Finish(e.splice(at, listpack.Skip(e.payload()[at:]), b), 0)
	return at + len(b)
}

// packDelete deletes n entries.
func (e *Entry) packDelete(at, n int) {
	p := e.payload()
	to := at
	for range n {
		to += listpack.Skip(p[to:])
	}
	listpack.Finish(e.splice(at, to-at, nil), -n)
}

// ListPop removes the last element, or the first one, and appends it to dst.
func (e *Entry) ListPop(dst []byte, front bool) []byte {
	if e.enc() == encList {
		if l := e.object().list; front {
			return l.PopFront(dst)
		} else {
			return l.PopBack(dst)
		}
	}
	lp := e.payload()
	at := listpack.Header
	if !front {
		at = len(lp) - 1 - listpack.SkipBack(lp[:len(lp)-1])
	}
	var scratch [24]byte
	dst = append(dst, listpack.Text(lp[at:], scratch[:])...)
	e.packDelete(at, 1)
	return dst
}

// ListEach calls f for the elements from the i-th on, or from it down, until f
// returns false. What f gets is good during the call.
func (e Entry) ListEach(i int, down bool, f func(v []byte) bool) {
	var scratch [24]byte
	if e.enc() == encList {
		e.object().list.Each(i, down, func(b []byte) bool { return f(listpack.Text(b, scratch[:])) })
		return
	}
	lp := e.payload()
	if n := listpack.Len(lp); i < 0 || i >= n {
		return
	}
	for at := listpack.Seek(lp, i); ; {
		if !f(listpack.Text(lp[at:], scratch[:])) {
			return
		}
		if !down {
			if at = listpack.Next(lp, at); listpack.AtEnd(lp, at) {
				return
			}
		} else {
			if at == listpack.Header {
				return
			}
			at -= listpack.SkipBack(lp[:at])
		}
	}
}

// ListSet replaces the i-th element.
func (e *Entry) ListSet(i int, v []byte) {
	if !e.listPacked(len(v)) {
		e.listBig().Set(i, v)
		return
	}
	e.packReplace(listpack.Seek(e.payload(), i), v)
}

// ListInsert adds v before the i-th element, or at the end.
func (e *Entry) ListInsert(i int, v []byte) {
	if !e.listPacked(len(v)) {
		e.listBig().Insert(i, v)
		return
	}
	lp := e.payload()
	at := len(lp) - 1
	if i < listpack.Len(lp) {
		at = listpack.Seek(lp, i)
	}
	e.packInsert(at, v)
}

// ListDelete removes n elements from the i-th on.
func (e *Entry) ListDelete(i, n int) {
	if n <= 0 {
		return
	}
	if e.enc() == encList {
		e.object().list.Delete(i, n)
		return
	}
	e.packDelete(listpack.Seek(e.payload(), i), n)
}

// ListRemove removes up to most elements that are v, from the beginning or from
// the end, and returns how many.
func (e *Entry) ListRemove(v []byte, most int, fromEnd bool) int {
	if e.enc() == encList {
		return e.object().list.Remove(v, most, fromEnd)
	}
	var found []int
	n, isInt := listpack.ParseInt(v)
	lp := e.payload()
	for at := listpack.Header; !listpack.AtEnd(lp, at); at = listpack.Next(lp, at) {
		if listpack.Equal(lp[at:], v, n, isInt) {
			found = append(found, at)
		}
	}
	if len(found) > most {
		if fromEnd {
			found = found[len(found)-most:]
		} else {
			found = found[:most]
		}
	}
	for i := len(found) - 1; i >= 0; i-- {
		e.packDelete(found[i], 1)
	}
	return len(found)
}
