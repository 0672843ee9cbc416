package kvstore

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// memoryUse is what is known of the memory in use. To measure it takes a walk over
// all stripes, so that is done after so many writes only, and counted on between.
type memoryUse struct {
	mu     sync.Mutex // held by who measures or evicts
	used   atomic.Int64
	writes atomic.Int64 // since it was measured
	next   atomic.Int64 // after so many of them it is measured again
	peak   atomic.Int64 // the most that was ever measured, for maxmemory or by INFO
}

// seldom and often are after how many writes memory is measured: the more often the less
// there is left.
const (
	seldom   = 256
	often    = 4
	roomEach = 1 << 10 // bytes left for each write more
)

// The policies of maxmemory-policy, as in policyNames.
const (
	noEviction = iota
	volatileLRU
	allKeysLRU
)

// outOfMemory tells whether maxmemory is reached and not enough can be evicted. No
// stripe is locked.
func (db *DB) outOfMemory(s *Session) bool {
	most := db.conf.maxMemory.Load()
	if most == 0 || s.held != 0 || s.replaying || db.loading.active.Load() {
		return false
	}
	u := &db.memory
	if n := u.writes.Add(1); n < u.next.Load() && n > 1 && u.used.Load() <= most {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.writes.Load() >= u.next.Load() || u.used.Load() <= most || u.writes.Load() <= 1 {
		u.used.Store(db.live())
		u.reach(u.used.Load())
		u.writes.Store(1)
		u.next.Store(min(max((most-u.used.Load())/roomEach, often), seldom))
	}
	if u.used.Load() <= most {
		return false
	}
	// Between two measurements nobody knows better than what was counted.
	u.used.Store(db.live())
	policy := db.conf.policy.Load()
	if policy == noEviction {
		return u.used.Load() > most
	}
	h := &Session{db: db, trusted: true, authed: true, quiet: true}
	for u.used.Load() > most {
		freed := db.evictOne(h, policy == volatileLRU)
		if freed == 0 {
			return true
		}
		u.used.Add(-freed)
	}
	return false
}

// live is how much memory keys and values use.
func (db *DB) live() int64 {
	n, _ := db.sp.Memory()
	return int64(n)
}

// victim is the key that was not used for the longest time, of some.
type victim struct {
	db, stripe int
	idle       uint32
	key        []byte
}

// evictOne removes a key and returns how many bytes that gave back, 0 if there is
// none to remove.
func (db *DB) evictOne(h *Session, volatile bool) int64 {
	for range 16 {
		v := db.findVictim(volatile)
		if v == nil {
			return 0
		}
		if n := db.evict(h, v); n > 0 {
			return n
		}
	}
	return 0
}

func (db *DB) findVictim(volatile bool) *victim {
	var best *victim
	samples := int(db.conf.samples.Load())
	first := rand.IntN(keyspace.Stripes)
	for i := 0; i < keyspace.Stripes && samples > 0; i++ {
		st := (first + i) % keyspace.Stripes
		m := keyspace.Mask(1) << st
		db.sp.RLock(m)
		for dbi := range db.sp.DBs() {
			sh := db.sp.ShardAt(dbi, st)
			if sh.Len() == 0 || volatile && sh.Expiring() == 0 {
				continue
			}
			for range 2 {
				e := sh.Random()
				if volatile && e.ExpireAt() == 0 {
					if e = sh.AnyExpiring(); !e.Exists() {
						continue
					}
				}
				samples--
				if idle := e.Idle(); best == nil || idle > best.idle {
					best = &victim{dbi, st, idle, bytes.Clone(e.Key())}
				}
			}
		}
		db.sp.RUnlock(m)
	}
	return best
}

func (db *DB) evict(h *Session, v *victim) int64 {
	m := keyspace.Mask(1) << v.stripe
	db.sp.Lock(m)
	defer db.sp.Unlock(m)
	h.dbi, h.nowMillis, h.keyPtr = v.db, 0, nil
	hash := db.sp.Hash(v.key)
	e := db.sp.WriteShard(v.db, hash).FindWrite(hash, v.key)
	if !e.Exists() {
		return 0
	}
	n := int64(e.Bytes())
	e.Delete()
	e.Shard().Tidy()
	db.stats.evicted.Add(1)
	h.effectIn(v.db, []byte("DEL"), v.key)
	h.touchWatched(v.db, v.key, false)
	h.notifyIn(v.db, notifyEvicted, "evicted", v.key)
	h.logUnit()
	return n
}

// reach notes how much memory is used.
func (u *memoryUse) reach(used int64) {
	for {
		peak := u.peak.Load()
		if used <= peak || u.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}
