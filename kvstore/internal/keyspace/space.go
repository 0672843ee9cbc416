// Package keyspace keeps the keys of a store and their values, in several numbered
// databases: strings, lists, sets, hashes and sorted sets in the encodings of
// Redis 7.0, with times to live, and views of a moment that stay as they are.
//
// The keys are spread over 64 stripes by their hashes. A stripe has a lock; all
// that is done with a key is done while its stripe is locked. What belongs to a
// stripe and a database is a Shard: a table of records (see package table). A
// record has the key and the value in one piece, if that is a string or a small
// collection; a large collection is an object beside the table.
//
// The package knows nothing of commands, clients and files.
package keyspace

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// Stripes is the number of stripes: a Mask has a bit for each.
const Stripes = 64

// A Mask names stripes.
type Mask uint64

// All names all stripes.
const All = ^Mask(0)

// Limits say up to which size collections are packed. They are Redis's options of
// these names.
type Limits struct {
	HashEntries, HashValue atomic.Int64 // hash-max-listpack-entries, -value
	ZSetEntries, ZSetValue atomic.Int64 // zset-max-listpack-entries, -value
	IntsetEntries          atomic.Int64 // set-max-intset-entries
	ListSize               atomic.Int64 // list-max-listpack-size
}

// A Space is a set of databases. Use New.
type Space struct {
	Limits   Limits
	Placed   bool // records of database 0 may be found by hints; set before the first use
	hash     hasher
	pool     table.Pool
	dbs      int
	clock    atomic.Uint32 // seconds, for idle times
	slack    atomic.Uint32 // of reading without a lock
	newest   atomic.Uint32 // meta data of a plain string that is used now
	nothing  *table.Layout
	settling int              // the stripe that Settle goes on with
	stripes  *[Stripes]stripe // apart from the rest, so that each is a cache line
}

type stripe struct {
	rwlock
	first  atomic.Pointer[table.Layout] // of database 0, for those who read it without the lock
	shards []*Shard                     // guarded by the lock; by database, nil: nothing was ever written
	_      [24]byte                     // a cache line of its own
}

// unlock publishes what has become of database 0 before it gives the lock back;
// nothing is the layout of an empty table.
func (st *stripe) unlock(nothing *table.Layout) {
	if Optimistic {
		l := nothing
		if s := st.shards[0]; s != nil {
			l = s.tab.Layout()
		}
		if l != st.first.Load() {
			st.first.Store(l)
		}
	}
	st.rwlock.unlock()
}

// New returns a space of so many databases, with Redis's limits.
func New(dbs int) *Space {
	sp := &Space{hash: newHasher(), dbs: dbs, stripes: new([Stripes]stripe)}
	sp.Limits.HashEntries.Store(512)
	sp.Limits.HashValue.Store(64)
	sp.Limits.ZSetEntries.Store(128)
	sp.Limits.ZSetValue.Store(64)
	sp.Limits.IntsetEntries.Store(512)
	sp.Limits.ListSize.Store(-2)
	sp.nothing = table.New(sp.Hash, &sp.pool).Layout()
	for i := range sp.stripes {
		sp.stripes[i].shards = make([]*Shard, dbs)
		sp.stripes[i].first.Store(sp.nothing)
		if !Optimistic {
			sp.stripes[i].state.Store(guarded)
		}
	}
	return sp
}

// DBs returns the number of databases.
func (sp *Space) DBs() int { return sp.dbs }

// SetClock sets the time that reading and writing a key leaves on it, in seconds.
// Reading without a lock need not do so before the time is behind by more than slack.
func (sp *Space) SetClock(seconds, slack uint32) {
	sp.clock.Store(seconds)
	sp.slack.Store(slack)
	sp.newest.Store(seconds & clockMask)
}

// MaskOf returns the mask of the stripe of a hash.
func MaskOf(h uint64) Mask { return 1 << (h % Stripes) }

// Lock locks stripes for writing, in order.
func (sp *Space) Lock(m Mask) {
	for ; m != 0; m &= m - 1 {
		sp.stripes[bits.TrailingZeros64(uint64(m))].lock()
	}
}

// Unlock unlocks them.
func (sp *Space) Unlock(m Mask) {
	for ; m != 0; m &= m - 1 {
		sp.stripes[bits.TrailingZeros64(uint64(m))].unlock(sp.nothing)
	}
}

// RLock locks stripes for reading, in order.
func (sp *Space) RLock(m Mask) {
	for ; m != 0; m &= m - 1 {
		sp.stripes[bits.TrailingZeros64(uint64(m))].rlock()
	}
}

// RUnlock unlocks them.
func (sp *Space) RUnlock(m Mask) {
	for ; m != 0; m &= m - 1 {
		sp.stripes[bits.TrailingZeros64(uint64(m))].runlock()
	}
}

// Guard makes all who read take the lock from now on, where they see what its owner
// has to say, or lets them do without again. All stripes must be locked for writing,
// unless nobody else knows the space.
func (sp *Space) Guard(on bool) {
	for i := range sp.stripes {
		if st := &sp.stripes[i]; on {
			st.state.Or(guarded)
		} else if Optimistic {
			st.state.And(^uint64(guarded))
		}
	}
}

// Shard returns the shard of a hash for reading; nil has no keys.
func (sp *Space) Shard(db int, h uint64) *Shard { return sp.stripes[h%Stripes].shards[db] }

// ShardAt returns the shard of a stripe for reading; nil has no keys.
func (sp *Space) ShardAt(db, stripe int) *Shard { return sp.stripes[stripe].shards[db] }

// WriteShard returns the shard of a hash, which it makes if there is none.
func (sp *Space) WriteShard(db int, h uint64) *Shard {
	st := &sp.stripes[h%Stripes]
	if s := st.shards[db]; s != nil {
		return s
	}
	s := &Shard{sp: sp, tab: table.New(sp.Hash, &sp.pool)}
	if db == 0 && sp.Placed {
		s.tab.Place()
	}
	st.shards[db] = s
	return s
}

// Settle has keys of database 0 that were added found sooner, if they are not yet where
// they are looked for first. It locks by itself, each stripe for some microseconds, and
// goes on for no longer than d, so that it is called now and then, by one goroutine.
func (sp *Space) Settle(d time.Duration) {
	began := time.Now()
	for range Stripes {
		st := &sp.stripes[sp.settling%Stripes]
		for st.settle() {
			st.unlock(sp.nothing)
			if time.Since(began) > d {
				return
			}
			runtime.Gosched()
		}
		sp.settling++
	}
}

const settledAtOnce = 64 // cells, which takes about ten microseconds

// settle settles some keys, if there is something to do: then it keeps the lock.
func (st *stripe) settle() bool {
	st.rlock()
	s := st.shards[0]
	more := s != nil && s.tab.Unsettled()
	st.runlock()
	if !more {
		return false
	}
	st.lock()
	if s = st.shards[0]; s != nil {
		s.tab.Settle(settledAtOnce)
	}
	return true
}

// Swap swaps two databases. All stripes must be locked for writing, and no view
// may be open.
func (sp *Space) Swap(a, b int) {
	for i := range sp.stripes {
		sh := sp.stripes[i].shards
		sh[a], sh[b] = sh[b], sh[a]
	}
}

// Flush removes all keys of a database and returns how many there were. All
// stripes must be locked for writing.
func (sp *Space) Flush(db int) int {
	n := 0
	for i := range sp.stripes {
		sh := sp.stripes[i].shards
		if sh[db] != nil {
			n += sh[db].tab.Len()
			sh[db] = nil
		}
	}
	return n
}

// Len returns the number of keys of a database, and of those with a time to live.
// It locks by itself.
func (sp *Space) Len(db int) (keys, expiring int) {
	for i := range sp.stripes {
		st := &sp.stripes[i]
		st.rlock()
		if s := st.shards[db]; s != nil {
			keys += s.tab.Len()
			expiring += s.expiring
		}
		st.runlock()
	}
	return keys, expiring
}

// LenLocked is Len for those who have locked all stripes.
func (sp *Space) LenLocked(db int) (keys, expiring int) {
	for i := range sp.stripes {
		if s := sp.stripes[i].shards[db]; s != nil {
			keys += s.tab.Len()
			expiring += s.expiring
		}
	}
	return keys, expiring
}

// Memory returns the bytes that everything uses: for what is there, and with what is
// free for further keys. It locks by itself.
func (sp *Space) Memory() (live, all int) {
	for i := range sp.stripes {
		st := &sp.stripes[i]
		many := false
		st.rlock()
		for _, s := range st.shards {
			if s != nil {
				l, a := s.Memory()
				live += l
				all += a
				many = many || len(s.changed) > mostChanged
			}
		}
		st.runlock()
		if !many {
			continue
		}
		st.lock()
		for _, s := range st.shards {
			if s != nil {
				s.recount()
			}
		}
		st.unlock(sp.nothing)
	}
	return live, all
}
