package keyspace

import (
	"encoding/binary"

	"github.com/groundwork-go/groundwork/kvstore/internal/quicklist"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
	"github.com/groundwork-go/groundwork/kvstore/internal/ztree"
)

// A Shard is the part of a database that belongs to one stripe.
type Shard struct {
	sp       *Space
	tab      *table.Table
	objects  []object
	freeObjs []uint32
	counted  memory   // of the objects, each as it was when it was counted last
	changed  []uint32 // those that may have changed since
	expiring int      // keys with a time to live
	ttl      ttlHeap
	views    []*viewPart // open ones
	scratch  []byte      // for writers
}

// object is a large collection.
type object struct {
	list *quicklist.List
	tab  *table.Table // fields, or members, of a sorted set with their scores
	tree *ztree.Tree

	counted memory
	changed bool // it is in Shard.changed
}

// memory is bytes in use: by what is there, and with what is free for more.
type memory struct{ live, all int }

func (m memory) plus(o memory) memory { return memory{m.live + o.live, m.all + o.all} }

func (m memory) minus(o memory) memory { return memory{m.live - o.live, m.all - o.all} }

// A Type is one of Redis's types.
type Type uint8

// The types.
const (
	String Type = iota
	List
	Set
	ZSet
	Hash
)

// String returns the name that TYPE answers.
func (t Type) String() string { return [...]string{"string", "list", "set", "zset", "hash"}[t] }

// enc is how a value is kept: all but the large ones in the record itself.
type enc uint8

const (
	encString enc = iota
	encListPack
	encList // large
	encIntset
	encSet // large
	encZPack
	encZSet // large
	encHashPack
	encHash // large
)

func (e enc) large() bool { return e == encList || e == encSet || e == encZSet || e == encHash }

func (e enc) typ() Type {
	return [...]Type{String, List, List, Set, Set, ZSet, ZSet, Hash, Hash}[e]
}

// The meta data of a record: the time of the last use in seconds, modulo 2^24, the
// encoding, and flags. That of a plain string is just the time, so that one comparison
// finds it (see Fresh).
const (
	clockMask = 1<<encShift - 1
	encShift  = 24
	encMask   = 0xf << encShift
	flagTTL   = 1 << 28 // the value begins with the time of expiry
	flagRaw   = 1 << 29 // a string that was changed in place, for OBJECT ENCODING
	flagText  = 1 << 30 // a string that is not to be called an integer, likewise
)

// An Entry is a key in a shard. The zero Entry, and one with Exists false, is no
// key.
type Entry struct {
	s *Shard
	h uint64
	r table.Ref
}

// Find returns the entry of a key, expired or not. A nil shard has none.
func (s *Shard) Find(h uint64, key []byte) Entry {
	if s == nil {
		return Entry{}
	}
	return Entry{s, h, s.tab.Find(h, key)}
}

// FindWrite is Find before a change: open views take over what they need.
func (s *Shard) FindWrite(h uint64, key []byte) Entry {
	e := Entry{s, h, s.tab.Find(h, key)}
	if len(s.views) != 0 {
		s.keep(e, key)
	}
	if e.r != 0 && e.enc().large() {
		s.willChange(e.objectID())
	}
	return e
}

// willChange notes that a large collection is to be counted again.
func (s *Shard) willChange(id uint32) {
	if o := &s.objects[id]; !o.changed {
		o.changed = true
		s.changed = append(s.changed, id)
	}
}

// Exists tells whether the entry is that of a key.
func (e Entry) Exists() bool { return e.r != 0 }

// Key returns the key, good until the shard is unlocked or changed.
func (e Entry) Key() []byte { return e.s.tab.Key(e.r) }

// KeyHash returns the hash of the key.
func (e Entry) KeyHash() uint64 { return e.h }

func (e Entry) meta() uint32 { return e.s.tab.Meta(e.r) }

func (e Entry) enc() enc { return enc(e.meta() & encMask >> encShift) }

// Type returns the type of the value.
func (e Entry) Type() Type { return e.enc().typ() }

// Touch notes that the key is used now.
func (e Entry) Touch() {
	m := e.meta()
	if now := e.s.sp.clock.Load() & clockMask; m&clockMask != now {
		e.s.tab.SetMeta(e.r, m&^clockMask|now)
	}
}

// Idle returns for how many seconds the key was not used.
func (e Entry) Idle() uint32 {
	return (e.s.sp.clock.Load() - e.meta()) & clockMask
}

// SetIdle sets that.
func (e Entry) SetIdle(seconds uint32) {
	e.s.tab.SetMeta(e.r, e.meta()&^clockMask|(e.s.sp.clock.Load()-seconds)&clockMask)
}

// payload returns the value without the time of expiry.
func (e Entry) payload() []byte {
	v := e.s.tab.Value(e.r)
	if e.meta()&flagTTL != 0 {
		return v[8:]
	}
	return v
}

// resize changes the length of the payload.
func (e *Entry) resize(n int) []byte {
	if e.meta()&flagTTL != 0 {
		n += 8
	}
	e.r = e.s.tab.Resize(e.h, e.r, n)
	return e.payload()
}

// splice replaces del bytes of the payload by ins.
func (e *Entry) splice(at, del int, ins []byte) []byte {
	p := e.payload()
	n := len(p)
	if grow := len(ins) - del; grow > 0 {
		p = e.resize(n + grow)
		copy(p[at+len(ins):], p[at+del:n])
	} else if grow < 0 {
		copy(p[at+len(ins):], p[at+del:])
		p = e.resize(n + grow)
	}
	copy(p[at:], ins)
	return p
}

// setPayload replaces the payload. b must not be of the shard.
func (e *Entry) setPayload(b []byte) {
	copy(e.resize(len(b)), b)
}

func (e Entry) setEnc(c enc) {
	e.s.tab.SetMeta(e.r, e.meta()&^(encMask|flagRaw|flagText)|uint32(c)<<encShift)
}

// insert adds a key that is not there.
func (s *Shard) insert(h uint64, key []byte, c enc, n int) Entry {
	meta := uint32(c)<<encShift | s.sp.clock.Load()&clockMask
	return Entry{s, h, s.tab.Insert(h, key, meta, n)}
}

// object returns the large collection of an entry.
func (e Entry) object() *object { return &e.s.objects[e.objectID()] }

func (e Entry) objectID() uint32 { return binary.LittleEndian.Uint32(e.payload()) }

// setObject makes a value large.
func (e *Entry) setObject(c enc, o object) {
	s := e.s
	var id uint32
	o.counted, o.changed = memory{}, false
	if last := len(s.freeObjs) - 1; last >= 0 {
		id = s.freeObjs[last]
		s.freeObjs = s.freeObjs[:last]
		o.changed = s.objects[id].changed // of the one that was there before
		s.objects[id] = o
	} else {
		id = uint32(len(s.objects))
		s.objects = append(s.objects, o)
	}
	s.willChange(id)
	binary.LittleEndian.PutUint32(e.resize(4), id)
	e.setEnc(c)
}

// dropObject forgets the large collection of an entry, if it has one.
func (e Entry) dropObject() {
	if e.enc().large() {
		id := e.objectID()
		e.s.counted = e.s.counted.minus(e.s.objects[id].counted)
		e.s.objects[id] = object{changed: e.s.objects[id].changed}
		e.s.freeObjs = append(e.s.freeObjs, id)
	}
}

// Delete removes the key.
func (e Entry) Delete() {
	e.dropObject()
	if e.meta()&flagTTL != 0 {
		e.s.expiring--
	}
	e.s.tab.Delete(e.h, e.r)
}

// Gone returns the entry without its key, which was deleted.
func (e Entry) Gone() Entry { return Entry{e.s, e.h, 0} }

// Shard returns where the entry is.
func (e Entry) Shard() *Shard { return e.s }

// Tidy gives back memory of deleted keys, if there is much. All entries of the
// shard are void then.
func (s *Shard) Tidy() {
	if s.tab.Wasted() {
		s.tab.Compact()
	}
}

// Same tells whether two entries are the same one.
func (e Entry) Same(o Entry) bool { return e.s == o.s && e.r == o.r }

// ExpireAt returns the time of expiry in Unix milliseconds, 0 if there is none.
func (e Entry) ExpireAt() int64 {
	if e.meta()&flagTTL == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(e.s.tab.Value(e.r)))
}

// SetExpireAt sets it; 0 is never.
func (e *Entry) SetExpireAt(at int64) {
	s := e.s
	has := e.meta()&flagTTL != 0
	switch {
	case at == 0 && has:
		v := s.tab.Value(e.r)
		copy(v, v[8:])
		s.tab.SetMeta(e.r, e.meta()&^flagTTL)
		e.r = s.tab.Resize(e.h, e.r, len(v)-8)
		s.expiring--
		return
	case at == 0:
		return
	case !has:
		n := len(s.tab.Value(e.r))
		e.r = s.tab.Resize(e.h, e.r, n+8)
		v := s.tab.Value(e.r)
		copy(v[8:], v[:n])
		s.tab.SetMeta(e.r, e.meta()|flagTTL)
		s.expiring++
	}
	v := s.tab.Value(e.r)
	if has && int64(binary.LittleEndian.Uint64(v)) == at {
		return
	}
	binary.LittleEndian.PutUint64(v, uint64(at))
	s.ttl.push(at, e.h)
	if len(s.ttl) > 1024 && len(s.ttl) > 3*s.expiring {
		s.rebuildTTL()
	}
}

// Len returns the number of keys of the shard.
func (s *Shard) Len() int {
	if s == nil {
		return 0
	}
	return s.tab.Len()
}

// Expiring returns how many of them have a time to live.
func (s *Shard) Expiring() int {
	if s == nil {
		return 0
	}
	return s.expiring
}

// Scan calls f for the entries at a place in the order of the hashes and returns
// the place behind; 0 is the beginning and the end. What is there from the first
// call to the last is seen.
func (s *Shard) Scan(pos uint64, f func(Entry) bool) uint64 {
	if s == nil {
		return 0
	}
	return s.tab.Scan(pos, func(r table.Ref) bool { return f(Entry{s, 0, r}.rehash()) })
}

// Each calls f for all entries, until it returns false; f must not change the
// shard.
func (s *Shard) Each(f func(Entry) bool) {
	if s != nil {
		s.tab.Each(func(r table.Ref) bool { return f(Entry{s, 0, r}.rehash()) })
	}
}

// rehash fills in the hash.
func (e Entry) rehash() Entry {
	e.h = e.s.sp.Hash(e.Key())
	return e
}

// Random returns an entry by chance.
func (s *Shard) Random() Entry {
	if s == nil || s.tab.Len() == 0 {
		return Entry{}
	}
	return Entry{s, 0, s.tab.Random()}.rehash()
}

// Memory returns the bytes that the shard uses: for what is there, and with what is
// free for further keys. It takes the time of the large collections that have changed
// since the last recount.
func (s *Shard) Memory() (live, all int) {
	m := s.counted
	for _, id := range s.changed {
		o := &s.objects[id]
		m = m.plus(o.memory()).minus(o.counted)
	}
	own := len(s.objects)*objectSize + len(s.ttl)*16
	return s.tab.Live() + own + m.live, s.tab.Bytes() + own + m.all
}

const (
	objectSize  = 48
	mostChanged = 64 // they are recounted when there are more
)

// recount counts the large collections that have changed. The stripe is locked for
// writing.
func (s *Shard) recount() {
	for _, id := range s.changed {
		o := &s.objects[id]
		m := o.memory()
		s.counted = s.counted.plus(m).minus(o.counted)
		o.counted, o.changed = m, false
	}
	if s.changed = s.changed[:0]; cap(s.changed) > 1<<10 {
		s.changed = nil
	}
}

// AnyExpiring returns a key with a time to live, or none: of those whose time is
// near.
func (s *Shard) AnyExpiring() (found Entry) {
	for i := 0; i < len(s.ttl) && i < 8 && !found.Exists(); i++ {
		h := s.ttl[i].h
		s.tab.FindHash(h, func(r table.Ref) bool {
			if e := (Entry{s, h, r}); e.ExpireAt() != 0 {
				found = e
			}
			return !found.Exists()
		})
	}
	return found
}

// mostSampled bounds how many keys MeanExpireAt looks at.
const mostSampled = 16

// MeanExpireAt estimates when, in the mean, the keys with a time to live expire: exactly
// if there are few of them. There must be one.
func (s *Shard) MeanExpireAt() float64 {
	sum, n := 0.0, 0
	for i := 0; i < len(s.ttl); i += 1 + (len(s.ttl)-1)/mostSampled {
		it := s.ttl[i]
		s.tab.FindHash(it.h, func(r table.Ref) bool {
			if (Entry{s, it.h, r}).ExpireAt() == it.at { // else the item is of no use any more
				sum += float64(it.at)
				n++
			}
			return true
		})
	}
	if n == 0 { // only old items were picked
		return float64(s.ttl[0].at)
	}
	return sum / float64(n)
}

func (o *object) memory() (m memory) {
	if o.list != nil {
		n := o.list.Bytes()
		m = memory{n, n}
	}
	if o.tab != nil {
		m = m.plus(memory{o.tab.Live(), o.tab.Bytes()})
	}
	if o.tree != nil {
		n := o.tree.Bytes()
		m = m.plus(memory{n, n})
	}
	return m
}

// Bytes returns the memory that the key and its value use.
func (e Entry) Bytes() int {
	n := e.s.tab.Size(e.r) + 6
	if e.enc().large() {
		n += e.object().memory().live
	}
	return n
}
