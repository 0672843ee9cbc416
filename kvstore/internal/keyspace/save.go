package keyspace

import (
	"errors"
	"math"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
)

// A Saver takes a value apart: one call, or one that announces n parts and as many
// for the parts.
type Saver interface {
	String(v []byte)
	List(n int)
	ListPack(lp []byte)
	IntSet(b []byte)
	Set(n int)
	Member(v []byte)
	HashPack(lp []byte)
	Hash(n int)
	Pair(field, v []byte)
	ZSetPack(lp []byte)
	ZSet(n int)
	Score(member []byte, score float64)
}

// Save hands the value to a saver, as it is kept.
func (e Entry) Save(s Saver) {
	switch e.enc() {
	case encString:
		s.String(e.payload())
	case encListPack:
		s.List(1)
		s.ListPack(e.payload())
	case encList:
		l := e.object().list
		n := 0
		l.Nodes(func([]byte, int) { n++ })
		s.List(n)
		var buf []byte
		l.Nodes(func(entries []byte, n int) {
			buf = listpack.Wrap(buf[:0], entries, n)
			s.ListPack(buf)
		})
	case encIntset:
		s.IntSet(e.payload())
	case encSet:
		s.Set(e.SetLen())
		e.SetEach(func(m []byte) bool {
			s.Member(m)
			return true
		})
	case encHashPack:
		s.HashPack(e.payload())
	case encHash:
		s.Hash(e.HashLen())
		e.HashEach(func(f, v []byte) bool {
			s.Pair(f, v)
			return true
		})
	case encZPack:
		s.ZSetPack(e.payload())
	case encZSet:
		n := e.ZLen()
		s.ZSet(n)
		e.ZEach(n-1, true, func(m []byte, score float64) bool {
			s.Score(m, score)
			return true
		})
	}
}

// Save hands the value to a saver.
func (v *Value) Save(s Saver) {
	switch v.enc {
	case encString:
		s.String(v.data)
	case encListPack:
		s.List(1)
		s.ListPack(v.data)
	case encIntset:
		s.IntSet(v.data)
	case encHashPack:
		s.HashPack(v.data)
	case encZPack:
		s.ZSetPack(v.data)
	case encList:
		v.saveList(s)
	case encSet:
		s.Set(v.n)
	case encZSet:
		s.ZSet(v.n)
	case encHash:
		s.Hash(v.n)
	}
	if !v.enc.large() {
		return
	}
	v.Each(func(a, b []byte, score float64) bool {
		switch v.Type {
		case Set:
			s.Member(a)
		case ZSet:
			s.Score(a, score)
		case Hash:
			s.Pair(a, b)
		}
		return true
	})
}

// saveList packs the elements of a large list into nodes.
func (v *Value) saveList(s Saver) {
	var nodes [][]byte
	v.Each(func(a, _ []byte, _ float64) bool {
		if last := len(nodes) - 1; last >= 0 && len(nodes[last])+len(a) < 8192-64 {
			nodes[last] = listpack.Append(nodes[last], a)
		} else {
			nodes = append(nodes, listpack.Append(listpack.New(nil), a))
		}
		return true
	})
	s.List(len(nodes))
	for _, lp := range nodes {
		s.ListPack(lp)
	}
}

var (
	errTwice = errors.New("an element is there twice")
	errScore = errors.New("a score is not a number")
)

// A Builder makes keys from their parts, as a file has them. The stripe must be
// locked from the first part of a key to the last.
type Builder struct {
	s   *Shard
	key []byte
	e   Entry
}

// NewBuilder returns a builder of a key that FindWrite did not find.
func (s *Shard) NewBuilder(e Entry, key []byte) Builder { return Builder{s, key, e} }

// Entry returns what was built.
func (b *Builder) Entry() Entry { return b.e }

// String makes it a string.
func (b *Builder) String(v []byte) { b.e = b.s.SetString(b.e, b.key, v, false) }

// ListPack appends the elements of a listpack.
func (b *Builder) ListPack(lp []byte) {
	n := listpack.Len(lp)
	if !b.e.Exists() {
		if len(lp) <= maxListPack {
			b.e = b.s.insert(b.e.h, b.key, encListPack, len(lp))
			copy(b.e.payload(), lp)
			return
		}
		b.e = b.s.NewList(b.e, b.key)
	}
	b.e.listBig().AppendNode(listpack.Entries(lp), n)
}

// ListItem appends an element.
func (b *Builder) ListItem(v []byte) {
	if !b.e.Exists() {
		b.e = b.s.NewList(b.e, b.key)
	}
	b.e.ListPush(v, false)
}

// Member adds a member of a set; n is how many there will be, perhaps.
func (b *Builder) Member(v []byte, n int) error {
	if !b.e.Exists() {
		b.e = b.s.NewSet(b.e, b.key, v)
		if b.e.enc() == encSet {
			b.e.object().tab.Reserve(min(n, 1<<20))
		}
	}
	if !b.e.SetAdd(v) {
		return errTwice
	}
	return nil
}

// IntSet makes it a set of integers in the packed form.
func (b *Builder) IntSet(is []byte) {
	b.e = b.s.insert(b.e.h, b.key, encIntset, len(is))
	copy(b.e.payload(), is)
	if int64(b.e.SetLen()) > b.s.sp.Limits.IntsetEntries.Load() {
		b.e.setBig()
	}
}

// Pair adds a field of a hash; n is how many there will be, perhaps.
func (b *Builder) Pair(field, v []byte, n int) error {
	if !b.e.Exists() {
		b.e = b.s.NewHash(b.e, b.key)
		if int64(n) > b.s.sp.Limits.HashEntries.Load() {
			b.e.hashBig().Reserve(min(n, 1<<20))
		}
	}
	b.e.HashFits(max(len(field), len(v)))
	if !b.e.HashSet(field, v) {
		return errTwice
	}
	return nil
}

// Score adds a member of a sorted set; n is how many there will be, perhaps.
func (b *Builder) Score(member []byte, score float64, n int) error {
	if math.IsNaN(score) {
		return errScore
	}
	if !b.e.Exists() {
		b.e = b.s.NewZSet(b.e, b.key, member, 1)
		if int64(n) > b.s.sp.Limits.ZSetEntries.Load() && b.e.enc() == encZPack {
			b.e.zbig().tab.Reserve(min(n, 1<<20))
		}
	}
	if !b.e.ZSet(member, score) {
		return errTwice
	}
	return nil
}

// HashPack makes it a hash from a listpack of fields and values.
func (b *Builder) HashPack(lp []byte) error {
	var f, v [24]byte
	n := listpack.Len(lp) / 2
	for at := listpack.Header; !listpack.AtEnd(lp, at); {
		next := listpack.Next(lp, at)
		if err := b.Pair(listpack.Text(lp[at:], f[:]), listpack.Text(lp[next:], v[:]), n); err != nil {
			return err
		}
		at = listpack.Next(lp, next)
	}
	return nil
}

// SetPack makes it a set from a listpack of members.
func (b *Builder) SetPack(lp []byte) error {
	var v [24]byte
	n := listpack.Len(lp)
	for at := listpack.Header; !listpack.AtEnd(lp, at); at = listpack.Next(lp, at) {
		if err := b.Member(listpack.Text(lp[at:], v[:]), n); err != nil {
			return err
		}
	}
	return nil
}

// ZSetPack makes it a sorted set from a listpack of members and scores.
func (b *Builder) ZSetPack(lp []byte, parse func([]byte) (float64, bool)) error {
	var m, v [24]byte
	n := listpack.Len(lp) / 2
	for at := listpack.Header; !listpack.AtEnd(lp, at); {
		next := listpack.Next(lp, at)
		score, ok := parse(listpack.Text(lp[next:], v[:]))
		if !ok {
			return errScore
		}
		if err := b.Score(listpack.Text(lp[at:], m[:]), score, n); err != nil {
			return err
		}
		at = listpack.Next(lp, next)
	}
	return nil
}

// Reserve sizes the tables of a database for so many keys.
func (sp *Space) Reserve(db, keys int) {
	for i := range sp.stripes {
		s := sp.WriteShard(db, uint64(i))
		if s.tab.Len() == 0 {
			s.tab.Reserve(keys/Stripes + keys/Stripes/8)
		}
	}
}

// NewLike returns an empty space of so many databases that may Replace this one.
func (sp *Space) NewLike(dbs int) *Space {
	n := New(dbs)
	n.hash = sp.hash
	n.SetClock(sp.Clock())
	for _, p := range [][2]interface {
		Load() int64
		Store(int64)
	}{
		{&n.Limits.HashEntries, &sp.Limits.HashEntries}, {&n.Limits.HashValue, &sp.Limits.HashValue},
		{&n.Limits.ZSetEntries, &sp.Limits.ZSetEntries}, {&n.Limits.ZSetValue, &sp.Limits.ZSetValue},
		{&n.Limits.IntsetEntries, &sp.Limits.IntsetEntries}, {&n.Limits.ListSize, &sp.Limits.ListSize},
	} {
		p[0].Store(p[1].Load())
	}
	return n
}

// Replace gives the space all keys of another one, which must not be used any
// more. All stripes must be locked for writing.
func (sp *Space) Replace(o *Space) {
	for i := range sp.stripes {
		for db, s := range o.stripes[i].shards {
			if s != nil {
				s.sp = sp
			}
			sp.stripes[i].shards[db] = s
		}
	}
}
