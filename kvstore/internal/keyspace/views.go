package keyspace

import (
	"encoding/binary"
	"math"
	"runtime"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/intset"
	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/internal/quicklist"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// A Value is a value that does not change any more: of a view, or on its way from
// one key to another.
type Value struct {
	Type     Type
	ExpireAt int64
	Idle     uint32
	flags    uint32 // of a string, for OBJECT ENCODING
	enc      enc
	data     []byte // as in the record; of a large one the elements with their lengths before them
	n        int    // elements of a large one
}

// Freeze returns a copy of the value.
func (e Entry) Freeze() Value {
	v := Value{Type: e.Type(), enc: e.enc(), flags: e.meta() & (flagRaw | flagText), ExpireAt: e.ExpireAt(), Idle: e.Idle()}
	if !v.enc.large() {
		v.data = append([]byte{}, e.payload()...)
		return v
	}
	add := func(b []byte) bool {
		v.data = append(binary.AppendUvarint(v.data, uint64(len(b))), b...)
		v.n++
		return true
	}
	switch v.Type {
	case List:
		e.ListEach(0, false, add)
	case Set:
		e.SetEach(add)
	case ZSet:
		e.ZEach(0, false, func(m []byte, score float64) bool {
			add(m)
			v.data = binary.LittleEndian.AppendUint64(v.data, math.Float64bits(score))
			return true
		})
	case Hash:
		e.HashEach(func(f, val []byte) bool {
			add(f)
			v.n--
			return add(val)
		})
	}
	return v
}

// Str returns the string.
func (v *Value) Str() []byte { return v.data }

// Each calls f for the elements: a is an element, a member or a field; b the value
// of the field. What f gets is good during the call.
func (v *Value) Each(f func(a, b []byte, score float64) bool) {
	switch {
	case v.enc.large():
		v.eachLarge(f)
	case v.enc == encIntset:
		var scratch [24]byte
		for i := range intset.Len(v.data) {
			if !f(strconv.AppendInt(scratch[:0], intset.At(v.data, i), 10), nil, 0) {
				return
			}
		}
	case v.enc != encString:
		var a, b [24]byte
		for at := listpack.Header; !listpack.AtEnd(v.data, at); at = listpack.Next(v.data, at) {
			first := listpack.Text(v.data[at:], a[:])
			var second []byte
			var score float64
			if v.enc != encListPack {
				at = listpack.Next(v.data, at)
				if v.enc == encZPack {
					score = packScore(v.data[at:])
				} else {
					second = listpack.Text(v.data[at:], b[:])
				}
			}
			if !f(first, second, score) {
				return
			}
		}
	}
}

func (v *Value) eachLarge(f func(a, b []byte, score float64) bool) {
	rest := v.data
	next := func() []byte {
		n, size := binary.Uvarint(rest)
		b := rest[size : size+int(n)]
		rest = rest[size+int(n):]
		return b
	}
	for range v.n {
		a := next()
		var b []byte
		var score float64
		switch v.Type {
		case Hash:
			b = next()
		case ZSet:
			score = math.Float64frombits(binary.LittleEndian.Uint64(rest))
			rest = rest[8:]
		}
		if !f(a, b, score) {
			return
		}
	}
}

// Put makes a key, which FindWrite did not find, a copy of the value.
func (s *Shard) Put(e Entry, key []byte, v *Value) Entry {
	if v.enc.large() {
		e = s.putLarge(e, key, v)
	} else {
		e = s.insert(e.h, key, v.enc, len(v.data))
		copy(e.payload(), v.data)
		s.tab.SetMeta(e.r, e.meta()|v.flags)
	}
	if v.ExpireAt != 0 {
		e.SetExpireAt(v.ExpireAt)
	}
	return e
}

// putLarge makes a large collection, whatever the limits are now.
func (s *Shard) putLarge(e Entry, key []byte, v *Value) Entry {
	e = s.insert(e.h, key, v.enc, 4)
	var o object
	switch v.enc {
	case encList:
		o.list = quicklist.New(s.sp.listLimits())
	case encZSet:
		o = newZObject(s.sp, v.n)
	default:
		o.tab = table.NewSize(s.sp.Hash, v.n, &s.sp.pool)
	}
	v.Each(func(a, b []byte, score float64) bool {
		switch v.enc {
		case encList:
			o.list.PushBack(a)
		case encSet:
			o.tab.Insert(o.tab.Hash(a), a, 0, 0)
		case encZSet:
			o.zinsert(o.tab.Hash(a), a, score)
		default:
			copy(o.tab.Value(o.tab.Insert(o.tab.Hash(a), a, 0, len(b))), b)
		}
		return true
	})
	e.setObject(v.enc, o)
	return e
}

// Move gives the value of a key to another one, dst, which FindWrite did not find,
// and deletes the first one.
func (e Entry) Move(dst Entry, key []byte) Entry {
	at, m := e.ExpireAt(), e.meta()
	c := e.enc()
	if c.large() {
		o := *e.object()
		dst = dst.s.insert(dst.h, key, c, 4)
		dst.setObject(c, o)
	} else {
		p := e.payload()
		dst = dst.s.insert(dst.h, key, c, len(p))
		copy(dst.payload(), p)
	}
	dst.s.tab.SetMeta(dst.r, m&^flagTTL)
	e.Delete()
	if at != 0 {
		dst.SetExpireAt(at)
	}
	return dst
}

// A View is all databases as they were at one moment. It costs memory for what is
// changed while it is open, and nothing else.
type View struct {
	sp    *Space
	parts [Stripes][]*viewPart // by database, nil: no keys
}

// viewPart belongs to a shard.
type viewPart struct {
	shard *Shard
	old   map[string]*Value // what was there before a change; nil: nothing
	done  uint64            // places before it are not needed any more
	over  bool              // none is
}

// Open opens a view. It locks all stripes for a moment.
func (sp *Space) Open() *View {
	sp.Lock(All)
	defer sp.Unlock(All)
	return sp.OpenLocked()
}

// OpenLocked is Open for those who have locked all stripes for writing.
func (sp *Space) OpenLocked() *View {
	v := &View{sp: sp}
	for i := range sp.stripes {
		v.parts[i] = make([]*viewPart, sp.dbs)
		for db, s := range sp.stripes[i].shards {
			if s != nil && s.tab.Len() > 0 {
				p := &viewPart{shard: s, old: make(map[string]*Value)}
				v.parts[i][db] = p
				s.views = append(s.views, p)
			}
		}
	}
	return v
}

// keep saves for the open views what a key is before it is changed.
func (s *Shard) keep(e Entry, key []byte) {
	for _, p := range s.views {
		if p.over || e.h < p.done {
			continue
		}
		if _, ok := p.old[string(key)]; ok {
			continue
		}
		var v *Value
		if e.Exists() {
			f := e.Freeze()
			v = &f
		}
		p.old[string(key)] = v
	}
}

// Get returns a key as it was, or nil.
func (v *View) Get(db int, key []byte) *Value {
	h := v.sp.Hash(key)
	p := v.parts[h%Stripes][db]
	if p == nil {
		return nil
	}
	v.sp.RLock(MaskOf(h))
	defer v.sp.RUnlock(MaskOf(h))
	if old, ok := p.old[string(key)]; ok {
		return old
	}
	if e := p.shard.Find(h, key); e.Exists() {
		f := e.Freeze()
		return &f
	}
	return nil
}

// Len returns the number of keys of a database when it is read, as a hint.
func (v *View) Len(db int) (keys, expiring int) {
	for i := range v.parts {
		if p := v.parts[i][db]; p != nil {
			v.sp.RLock(1 << i)
			keys += p.shard.Len()
			expiring += p.shard.Expiring()
			v.sp.RUnlock(1 << i)
		}
	}
	return keys, expiring
}

// Walk calls f for all keys of a database, until it returns false: with an entry,
// under the lock of its stripe, or with a value, if the key was changed meanwhile.
// What f gets is good during the call; f must not lock.
func (v *View) Walk(db int, f func(key []byte, e Entry, old *Value) bool) {
	for i := range v.parts {
		if p := v.parts[i][db]; p != nil && !v.walkPart(i, p, f) {
			return
		}
	}
}

// walkPart holds the lock from the first key to the last: a key that is changed
// after it was seen would come a second time otherwise.
func (v *View) walkPart(i int, p *viewPart, f func([]byte, Entry, *Value) bool) bool {
	v.sp.RLock(1 << i)
	defer v.sp.RUnlock(1 << i)
	more := true
	p.shard.Each(func(e Entry) bool {
		if _, ok := p.old[string(e.Key())]; !ok {
			more = f(e.Key(), e, nil)
		}
		return more
	})
	for key, old := range p.old {
		if more && old != nil {
			more = f([]byte(key), Entry{}, old)
		}
	}
	return more
}

// Drain is Walk for the last time: what was walked over is not kept any more. It
// locks for short times only; between them it lets other goroutines run and calls
// pause, unlocked.
func (v *View) Drain(db int, f func(key []byte, e Entry, old *Value) error, pause func() error) error {
	for i := range v.parts {
		if p := v.parts[i][db]; p != nil {
			if err := v.drainPart(i, p, f, pause); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *View) drainPart(i int, p *viewPart, f func([]byte, Entry, *Value) error, pause func() error) (err error) {
	for !p.over {
		v.sp.RLock(1 << i)
		pos := p.done
		for n := 0; n < 16 && !p.over && err == nil; n++ { // groups
			next := p.shard.Scan(pos, func(e Entry) bool {
				if e.h < pos { // the table has shrunk: it was seen
					return true
				}
				if _, ok := p.old[string(e.Key())]; !ok {
					err = f(e.Key(), e, nil)
				}
				return err == nil
			})
			// Writers, who read both, are locked out.
			pos, p.over = next, next == 0
		}
		p.done = pos
		v.sp.RUnlock(1 << i)
		runtime.Gosched() // who serves would else wait until the scheduler takes our processor away
		if err == nil {
			err = pause()
		}
		if err != nil {
			return err
		}
	}
	// Nobody writes to old any more.
	for key, old := range p.old {
		if old == nil {
			continue
		}
		if err := f([]byte(key), Entry{}, old); err != nil {
			return err
		}
	}
	p.old = nil
	return pause()
}

// Close ends the view. It locks by itself and may be called twice.
func (v *View) Close() {
	for i := range v.parts {
		v.sp.Lock(1 << i)
		for _, p := range v.parts[i] {
			if p == nil {
				continue
			}
			for j, q := range p.shard.views {
				if q == p {
					p.shard.views = append(p.shard.views[:j:j], p.shard.views[j+1:]...)
					break
				}
			}
		}
		v.parts[i] = nil
		v.sp.Unlock(1 << i)
	}
}
