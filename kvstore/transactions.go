package kvstore

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// multiState is an open MULTI.
type multiState struct {
	queue  []queued
	broken bool // a command was refused
}

type queued struct {
	cmd  *command
	args [][]byte
}

// blockKey is a key in a database.
type blockKey struct {
	db  int
	key string
}

// A watch is a key that a session watches.
type watch struct {
	s       *Session
	at      blockKey
	expired bool // it had expired already
}

// watchTable knows who watches what.
type watchTable struct {
	n  atomic.Int64 // watches, so that nobody looks if there are none
	mu sync.Mutex
	by map[blockKey][]*watch // guarded by mu
}

func cloneArgs(a [][]byte) [][]byte {
	n := 0
	for _, b := range a {
		n += len(b)
	}
	buf := make([]byte, 0, n)
	c := make([][]byte, len(a))
	for i, b := range a {
		at := len(buf)
		buf = append(buf, b...)
		c[i] = buf[at:len(buf):len(buf)]
	}
	return c
}

func (s *Session) queue(c *command, a [][]byte) {
	s.multi.queue = append(s.multi.queue, queued{c, cloneArgs(a)})
	s.client.multi.Store(int32(len(s.multi.queue)))
	s.handIn(nil)
	s.client.lastCmd.Store(c)
	s.w.status("QUEUED")
}

func cmdMulti(s *Session, _ [][]byte) {
	if s.multi != nil {
		s.fail("ERR MULTI calls can not be nested")
		return
	}
	s.multi = &multiState{}
	s.client.multi.Store(0)
	s.special = true
	s.w.ok()
}

func cmdDiscard(s *Session, _ [][]byte) {
	if s.multi == nil {
		s.fail("ERR DISCARD without MULTI")
		return
	}
	s.endMulti()
	s.w.ok()
}

// endMulti ends MULTI and all watches.
func (s *Session) endMulti() {
	s.multi = nil
	s.client.multi.Store(-1)
	s.unwatch()
	s.setSpecial()
}

func (s *Session) setSpecial() {
	s.special = s.early || !s.authed || s.multi != nil || s.subs.n() > 0 || s.client.monitor.Load()
}

func cmdExec(s *Session, _ [][]byte) {
	m := s.multi
	if m == nil {
		s.fail("ERR EXEC without MULTI")
		return
	}
	if m.broken {
		s.endMulti()
		s.fail("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	var locks keyspace.Mask
	for _, q := range m.queue {
		locks |= s.locksOf(q.cmd, q.args)
		if q.cmd.lock == lockOwn {
			locks = keyspace.All
		}
	}
	for _, w := range s.watched {
		locks |= keyspace.MaskOf(s.db.sp.HashString(w.at.key))
	}
	s.keyPtr = nil
	if locks == 0 {
		locks = 1 // to be atomic is to hold a lock
	}
	s.db.sp.Lock(locks)
	s.held = locks
	changed := s.dirtyCAS.Load() || s.watchedExpired()
	s.multi = nil
	s.client.multi.Store(-1)
	s.unwatch()
	if changed {
		s.w.nullArray()
	} else {
		s.w.array(len(m.queue))
		for _, q := range m.queue {
			s.special = false
			s.run(q.cmd, q.args)
			s.ran(q.cmd, q.args)
		}
	}
	s.failed, s.dirty, s.rewritten = false, 0, true
	s.held = 0
	s.logUnit()
	if s.tidy != nil {
		s.tidy.Tidy()
		s.tidy = nil
	}
	s.db.sp.Unlock(locks)
	s.setSpecial()
	s.keyPtr = nil
}

func cmdWatch(s *Session, a [][]byte) {
	if s.multi != nil {
		s.fail("ERR WATCH inside MULTI is not allowed")
		return
	}
	t := &s.db.watching
	for _, key := range a[1:] {
		at := blockKey{s.dbi, string(key)}
		if slices.ContainsFunc(s.watched, func(w *watch) bool { return w.at == at }) {
			continue
		}
		h := s.hash(key)
		e := s.db.sp.Shard(s.dbi, h).Find(h, key)
		w := &watch{s: s, at: at, expired: e.Exists() && s.isExpired(e)}
		s.watched = append(s.watched, w)
		t.mu.Lock()
		if t.by == nil {
			t.by = make(map[blockKey][]*watch)
		}
		t.by[at] = append(t.by[at], w)
		t.n.Add(1)
		t.mu.Unlock()
	}
	s.w.ok()
}

func cmdUnwatch(s *Session, _ [][]byte) {
	s.unwatch()
	s.w.ok()
}

func (s *Session) unwatch() {
	t := &s.db.watching
	if len(s.watched) > 0 {
		t.mu.Lock()
		for _, w := range s.watched {
			rest := slices.DeleteFunc(t.by[w.at], func(o *watch) bool { return o == w })
			if t.by[w.at] = rest; len(rest) == 0 {
				delete(t.by, w.at)
			}
		}
		t.n.Add(-int64(len(s.watched)))
		t.mu.Unlock()
		s.watched = nil
	}
	s.dirtyCAS.Store(false)
}

// watchedExpired tells whether a watched key's time is over since. The stripes are
// locked.
func (s *Session) watchedExpired() bool {
	s.nowMillis = 0
	for _, w := range s.watched {
		key := []byte(w.at.key)
		h := s.db.sp.Hash(key)
		e := s.db.sp.Shard(w.at.db, h).Find(h, key)
		if !w.expired && e.Exists() && s.isExpired(e) {
			return true
		}
	}
	return false
}

// touchWatched makes the EXEC of those fail who watch a key that has changed, or was
// removed because its time was over. Its stripe is locked.
func (s *Session) touchWatched(dbi int, key []byte, expired bool) {
	t := &s.db.watching
	if t.n.Load() == 0 {
		return
	}
	t.mu.Lock()
	for _, w := range t.by[blockKey{dbi, string(key)}] {
		if w.expired && expired {
			w.expired = false // it was not there for who watches, and is not
		} else {
			w.s.dirtyCAS.Store(true)
		}
	}
	t.mu.Unlock()
}

// A presence says whether a key is there.
type presence int

const (
	absent  presence = iota
	overdue          // it is there, but its time is over
	present
)

// touchDBs does what touchWatched does for the keys of databases that are emptied, or
// get what another one has: after tells what is there for a key then, and false for
// databases that nothing happens to. All stripes are locked.
func (s *Session) touchDBs(after func(at blockKey) (presence, bool)) {
	t := &s.db.watching
	if t.n.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for at, list := range t.by {
		then, ok := after(at)
		if !ok {
			continue
		}
		now := s.presence(at)
		if now == absent && then == absent {
			continue
		}
		for _, w := range list {
			wasThere := now != absent && !w.expired
			if !wasThere && then != present {
				w.expired = then == overdue
			} else {
				w.s.dirtyCAS.Store(true)
			}
		}
	}
}

func (s *Session) presence(at blockKey) presence {
	switch e := s.db.entry(at); {
	case !e.Exists():
		return absent
	case s.isExpired(e):
		return overdue
	}
	return present
}

// has tells whether a key is there. Its stripe is locked.
func (db *DB) has(at blockKey) bool { return db.entry(at).Exists() }

// entry returns the entry of a key, which may have expired. Its stripe is locked.
func (db *DB) entry(at blockKey) keyspace.Entry {
	key := []byte(at.key)
	h := db.sp.Hash(key)
	return db.sp.Shard(at.db, h).Find(h, key)
}
