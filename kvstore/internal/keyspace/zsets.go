package keyspace

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
	"github.com/groundwork-go/groundwork/kvstore/internal/ztree"
)

// NewZSet makes a key that is not there an empty sorted set, which must not stay
// empty: n members are known to come, and the longest of them. It is large at once if
// they ask for that; a packed one knows no negative zero.
func (s *Shard) NewZSet(e Entry, key, longest []byte, n int) Entry {
	l := &s.sp.Limits
	if int64(n) > l.ZSetEntries.Load() || int64(len(longest)) > l.ZSetValue.Load() {
		e = s.insert(e.h, key, encZPack, 4)
		e.setObject(encZSet, newZObject(s.sp, 1))
		return e
	}
	e = s.insert(e.h, key, encZPack, listpack.Overhead)
	listpack.New(e.payload()[:0])
	return e
}

func newZObject(sp *Space, n int) object {
	t := table.NewSize(sp.Hash, n, &sp.pool)
	return object{tab: t, tree: ztree.New(t.Key)}
}

func scoreOf(t *table.Table, r table.Ref) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(t.Value(r)))
}

func (o *object) zinsert(h uint64, member []byte, score float64) {
	r := o.tab.Insert(h, member, 0, 8)
	binary.LittleEndian.PutUint64(o.tab.Value(r), math.Float64bits(score))
	o.tree.Insert(score, r)
}

// zbig makes the sorted set large.
func (e *Entry) zbig() *object {
	o := newZObject(e.s.sp, e.ZLen()+1)
	e.ZEach(0, false, func(member []byte, score float64) bool {
		o.zinsert(o.tab.Hash(member), member, score)
		return true
	})
	e.setObject(encZSet, o)
	return e.object()
}

// ZLen returns the number of members.
func (e Entry) ZLen() int {
	if e.enc() == encZSet {
		return e.object().tab.Len()
	}
	return listpack.Len(e.payload()) / 2
}

// ZPacked tells whether the sorted set is packed.
func (e Entry) ZPacked() bool { return e.enc() == encZPack }

// ZUnpack makes the sorted set large.
func (e *Entry) ZUnpack() {
	if e.enc() == encZPack {
		e.zbig()
	}
}

// packScore returns the score that an entry of a pack is.
func packScore(b []byte) float64 {
	s, n := listpack.Decode(b)
	if s == nil {
		return float64(n)
	}
	f, _ := strconv.ParseFloat(string(s), 64) // it was formatted here, or checked
	return f
}

// appendScore appends the entry of a score.
func appendScore(dst []byte, f float64) []byte {
	if n := int64(f); float64(n) == f && math.Abs(f) < 1<<62 {
		return listpack.AppendInt(dst, n)
	}
	var scratch [32]byte
	switch {
	case math.IsInf(f, 1):
		return listpack.AppendEntry(dst, []byte("inf"))
	case math.IsInf(f, -1):
		return listpack.AppendEntry(dst, []byte("-inf"))
	}
	return listpack.AppendEntry(dst, strconv.AppendFloat(scratch[:0], f, 'g', 17, 64))
}

// ZScore returns the score of a member.
func (e Entry) ZScore(member []byte) (float64, bool) {
	if e.enc() == encZSet {
		t := e.object().tab
		r := t.Find(t.Hash(member), member)
		if r == 0 {
			return 0, false
		}
		return scoreOf(t, r), true
	}
	lp := e.payload()
	at := listpack.Find(lp, member, 2)
	if at < 0 {
		return 0, false
	}
	return packScore(lp[listpack.Next(lp, at):]), true
}

// ZSet sets the score of a member and tells whether it is new.
func (e *Entry) ZSet(member []byte, score float64) bool {
	if e.enc() == encZSet {
		return e.object().zset(member, score)
	}
	lp := e.payload()
	if at := listpack.Find(lp, member, 2); at >= 0 {
		if packScore(lp[listpack.Next(lp, at):]) != score {
			e.packDelete(at, 2)
			e.zpackInsert(member, score)
		}
		return false
	}
	l := &e.s.sp.Limits
	if int64(listpack.Len(lp)/2+1) > l.ZSetEntries.Load() || int64(len(member)) > l.ZSetValue.Load() {
		return e.zbig().zset(member, score)
	}
	e.zpackInsert(member, score)
	return true
}

func (o *object) zset(member []byte, score float64) bool {
	t := o.tab
	h := t.Hash(member)
	r := t.Find(h, member)
	if r == 0 {
		o.zinsert(h, member, score)
		return true
	}
	if old := scoreOf(t, r); old != score {
		o.tree.Delete(old, r)
		binary.LittleEndian.PutUint64(t.Value(r), math.Float64bits(score))
		o.tree.Insert(score, r)
	}
	return false
}

// zpackInsert puts a member that is not there where it belongs.
func (e *Entry) zpackInsert(member []byte, score float64) {
	lp := e.payload()
	at := listpack.Header
	var scratch [128]byte
	for !listpack.AtEnd(lp, at) {
		next := listpack.Next(lp, at)
		s := packScore(lp[next:])
		if s > score || s == score && string(listpack.Text(lp[at:], scratch[:0])) > string(member) {
			break
		}
		at = listpack.Next(lp, next)
	}
	buf := appendScore(listpack.AppendEntry(scratch[:0], member), score)
	listpack.Finish(e.splice(at, 0, buf), 2)
}

// ZDelete removes a member and tells whether it was there.
func (e *Entry) ZDelete(member []byte) bool {
	if e.enc() == encZSet {
		o := e.object()
		h := o.tab.Hash(member)
		r := o.tab.Find(h, member)
		if r == 0 {
			return false
		}
		o.tree.Delete(scoreOf(o.tab, r), r)
		o.tab.Delete(h, r)
		if o.tab.Wasted() {
			o.compact()
		}
		return true
	}
	at := listpack.Find(e.payload(), member, 2)
	if at < 0 {
		return false
	}
	e.packDelete(at, 2)
	return true
}

// compact moves the members to new slabs; the tree follows.
func (o *object) compact() {
	o.tab.Compact()
	o.tree = ztree.New(o.tab.Key)
	o.tab.Each(func(r table.Ref) bool {
		o.tree.Insert(scoreOf(o.tab, r), r)
		return true
	})
}

// ZDeleteRange removes n members from a rank on.
func (e *Entry) ZDeleteRange(rank, n int) {
	if n <= 0 {
		return
	}
	if e.enc() == encZPack {
		e.packDelete(listpack.Seek(e.payload(), 2*rank), 2*n)
		return
	}
	o := e.object()
	refs := make([]table.Ref, 0, n)
	o.tree.Walk(rank, false, func(_ float64, r table.Ref) bool {
		refs = append(refs, r)
		return len(refs) < n
	})
	for _, r := range refs {
		o.tree.Delete(scoreOf(o.tab, r), r)
		o.tab.Delete(o.tab.Hash(o.tab.Key(r)), r)
	}
	if o.tab.Wasted() {
		o.compact()
	}
}

// ZRank returns how many members are before one, or -1 if it is not there.
func (e Entry) ZRank(member []byte) int {
	if e.enc() == encZSet {
		o := e.object()
		r := o.tab.Find(o.tab.Hash(member), member)
		if r == 0 {
			return -1
		}
		return o.tree.Rank(scoreOf(o.tab, r), r)
	}
	lp := e.payload()
	at := listpack.Find(lp, member, 2)
	if at < 0 {
		return -1
	}
	return listpack.Count(lp[listpack.Header:at]) / 2
}

// ZSearch returns how many members are before the first one for which at is true;
// it must be so for all that follow.
func (e Entry) ZSearch(at func(member []byte, score float64) bool) int {
	if e.enc() == encZSet {
		o := e.object()
		return o.tree.Search(func(score float64, r table.Ref) bool { return at(o.tab.Key(r), score) })
	}
	n := 0
	e.ZEach(0, false, func(member []byte, score float64) bool {
		if at(member, score) {
			return false
		}
		n++
		return true
	})
	return n
}

// ZEach calls f for the members from a rank on, or from it down, until f returns
// false. What f gets is good during the call.
func (e Entry) ZEach(rank int, down bool, f func(member []byte, score float64) bool) {
	if e.enc() == encZSet {
		o := e.object()
		o.tree.Walk(rank, down, func(score float64, r table.Ref) bool { return f(o.tab.Key(r), score) })
		return
	}
	lp := e.payload()
	if n := listpack.Len(lp) / 2; rank < 0 || rank >= n {
		return
	}
	var scratch [24]byte
	for at := listpack.Seek(lp, 2*rank); ; {
		next := listpack.Next(lp, at)
		if !f(listpack.Text(lp[at:], scratch[:]), packScore(lp[next:])) {
			return
		}
		if !down {
			if at = listpack.Next(lp, next); listpack.AtEnd(lp, at) {
				return
			}
			continue
		}
		if at == listpack.Header {
			return
		}
		at -= listpack.SkipBack(lp[:at])
		at -= listpack.SkipBack(lp[:at])
	}
}

// ZScan is Shard.Scan for the members; those of a packed set come at once.
func (e Entry) ZScan(pos uint64, f func(member []byte, score float64)) uint64 {
	if e.enc() == encZSet {
		t := e.object().tab
		return t.Scan(pos, func(r table.Ref) bool {
			f(t.Key(r), scoreOf(t, r))
			return true
		})
	}
	e.ZEach(0, false, func(m []byte, score float64) bool {
		f(m, score)
		return true
	})
	return 0
}
