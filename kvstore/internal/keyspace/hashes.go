package keyspace

import (
	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// NewHash makes a key that is not there an empty hash, which must not stay empty.
func (s *Shard) NewHash(e Entry, key []byte) Entry {
	e = s.insert(e.h, key, encHashPack, listpack.Overhead)
	listpack.New(e.payload()[:0])
	return e
}

// HashLen returns the number of fields.
func (e Entry) HashLen() int {
	if e.enc() == encHash {
		return e.object().tab.Len()
	}
	return listpack.Len(e.payload()) / 2
}

// HashGet returns the value of a field, good until the shard is unlocked or
// changed; the text of a number is written to scratch.
func (e Entry) HashGet(field, scratch []byte) ([]byte, bool) {
	if e.enc() == encHash {
		t := e.object().tab
		r := t.Find(t.Hash(field), field)
		if r == 0 {
			return nil, false
		}
		return t.Value(r), true
	}
	lp := e.payload()
	at := listpack.Find(lp, field, 2)
	if at < 0 {
		return nil, false
	}
	return listpack.Text(lp[listpack.Next(lp, at):], scratch), true
}

// hashBig makes the hash large.
func (e *Entry) hashBig() *table.Table {
	if e.enc() == encHash {
		return e.object().tab
	}
	lp := e.payload()
	t := table.NewSize(e.s.sp.Hash, listpack.Len(lp)/2+1, &e.s.sp.pool)
	var a, b [24]byte
	for at := listpack.Header; !listpack.AtEnd(lp, at); {
		field := listpack.Text(lp[at:], a[:])
		at = listpack.Next(lp, at)
		v := listpack.Text(lp[at:], b[:])
		at = listpack.Next(lp, at)
		copy(t.Value(t.Insert(t.Hash(field), field, 0, len(v))), v)
	}
	e.setObject(encHash, object{tab: t})
	return t
}

// HashFits makes the hash large if a field or value of n bytes asks for that.
func (e *Entry) HashFits(n int) {
	if e.enc() == encHashPack && int64(n) > e.s.sp.Limits.HashValue.Load() {
		e.hashBig()
	}
}

// HashSet sets a field and tells whether it is new.
func (e *Entry) HashSet(field, v []byte) bool {
	if e.enc() == encHash {
		t := e.object().tab
		h := t.Hash(field)
		if r := t.Find(h, field); r != 0 {
			copy(t.Value(t.Resize(h, r, len(v))), v)
			return false
		}
		copy(t.Value(t.Insert(h, field, 0, len(v))), v)
		return true
	}
	if at := listpack.Find(e.payload(), field, 2); at >= 0 {
		e.packReplace(listpack.Next(e.payload(), at), v)
		return false
	}
	e.packPair(len(e.payload())-1, field, v)
	if int64(e.HashLen()) > e.s.sp.Limits.HashEntries.Load() {
		e.hashBig()
	}
	return true
}

// packPair inserts two entries.
func (e *Entry) packPair(at int, a, b []byte) {
	var scratch [128]byte
	buf := listpack.AppendEntry(scratch[:0], a)
	buf = listpack.AppendEntry(buf, b)
	listpack.Finish(e.splice(at, 0, buf), 2)
}

// HashDelete removes a field and tells whether it was there.
func (e *Entry) HashDelete(field []byte) bool {
	if e.enc() == encHash {
		t := e.object().tab
		h := t.Hash(field)
		r := t.Find(h, field)
		if r == 0 {
			return false
		}
		t.Delete(h, r)
		if t.Wasted() {
			t.Compact()
		}
		return true
	}
	at := listpack.Find(e.payload(), field, 2)
	if at < 0 {
		return false
	}
	e.packDelete(at, 2)
	return true
}

// HashEach calls f for all fields, until it returns false. What f gets is good
// during the call.
func (e Entry) HashEach(f func(field, v []byte) bool) {
	if e.enc() == encHash {
		t := e.object().tab
		t.Each(func(r table.Ref) bool { return f(t.Key(r), t.Value(r)) })
		return
	}
	lp := e.payload()
	var a, b [24]byte
	for at := listpack.Header; !listpack.AtEnd(lp, at); {
		v := listpack.Next(lp, at)
		if !f(listpack.Text(lp[at:], a[:]), listpack.Text(lp[v:], b[:])) {
			return
		}
		at = listpack.Next(lp, v)
	}
}

// HashScan is Shard.Scan for the fields; those of a packed hash come at once.
func (e Entry) HashScan(pos uint64, f func(field, v []byte)) uint64 {
	if e.enc() == encHash {
		t := e.object().tab
		return t.Scan(pos, func(r table.Ref) bool {
			f(t.Key(r), t.Value(r))
			return true
		})
	}
	e.HashEach(func(field, v []byte) bool {
		f(field, v)
		return true
	})
	return 0
}

// HashRandom calls f with a field by chance.
func (e Entry) HashRandom(intn func(int) int, f func(field, v []byte)) {
	if e.enc() == encHash {
		t := e.object().tab
		r := t.Random()
		f(t.Key(r), t.Value(r))
		return
	}
	lp := e.payload()
	at := listpack.Seek(lp, 2*intn(listpack.Len(lp)/2))
	var a, b [24]byte
	f(listpack.Text(lp[at:], a[:]), listpack.Text(lp[listpack.Next(lp, at):], b[:]))
}
