package kvstore

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// A waiter is a command that waits for a key, or for a time.
type waiter struct {
	s      *Session
	db     int
	proto  int
	keys   []string
	extra  keyspace.Mask                // further stripes that serve needs
	typ    keyspace.Type                // of the keys that it can be served from
	serve  func(s *Session, key []byte) // answers from a key that has something
	nobody func(w *writer)              // answers when the time is over
	atOnce func(w *writer)              // answers where nothing may wait; nil: nobody does
	timer  *time.Timer
	again  [][]byte // the command, if it has not run yet

	done bool // guarded by blocking.mu; nobody else may serve it any more
}

// blocking knows who waits for what.
type blocking struct {
	db *DB
	n  atomic.Int64 // waiters
	mu sync.Mutex
	by map[blockKey][]*waiter // guarded by mu; the first one came first

	types [keyspace.Hash + 1]int // guarded by mu; waiters for keys of each type
}

// timeoutArg reads a time to wait in seconds.
func (s *Session) timeoutArg(b []byte) (time.Duration, bool) {
	f, ok := parseFloat(b)
	if !ok {
		if long, isLong := parseLongDouble(b); isLong { // nil: infinite
			f, ok = math.Inf(1), true
			if long != nil {
				f, _ = long.Float64()
			}
		}
	}
	switch {
	case !ok:
		s.fail("ERR timeout is not a float or out of range")
	case f < 0, f*1000 >= math.MaxInt64: // C's conversion makes it negative
		s.fail("ERR timeout is negative")
	case f*1000 > float64(math.MaxInt64-s.now()):
		s.fail("ERR timeout is out of range")
	default:
		ms := math.Ceil(f * 1000)
		if ms > float64(math.MaxInt64/int64(time.Millisecond)) {
			return 0, true // centuries
		}
		return time.Duration(ms) * time.Millisecond, true
	}
	return 0, false
}

// millisArg reads a time in milliseconds; what is more than decades is decades.
func (s *Session) millisArg(b []byte) (time.Duration, bool) {
	ms, ok := parseInt(b)
	switch {
	case !ok:
		s.fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		s.fail("ERR timeout is negative")
	default:
		return time.Duration(min(ms, 1<<40)) * time.Millisecond, true
	}
	return 0, false
}

// wait makes the command wait. The stripes of its keys are locked. Inside of a
// transaction nothing waits.
func (s *Session) wait(timeout time.Duration, w *waiter, keys [][]byte) {
	if s.held != 0 || s.replaying {
		if w.atOnce != nil {
			w.atOnce(&s.w)
		} else {
			w.nobody(&s.w)
		}
		return
	}
	w.s, w.db, w.proto = s, s.dbi, s.w.proto
	if len(keys) == 0 { // only for the time to pass: no key is in this database
		w.db, w.keys = -1, []string{""}
	}
	for _, k := range keys {
		if !slices.Contains(w.keys, string(k)) {
			w.keys = append(w.keys, string(k))
		}
	}
	s.blocked = w
	s.client.blocked.Store(true)
	b := &s.db.blocking
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = make(map[blockKey][]*waiter)
	}
	for _, k := range w.keys {
		at := blockKey{w.db, k}
		b.by[at] = append(b.by[at], w)
	}
	b.types[w.typ]++
	b.n.Add(1)
	if timeout > 0 {
		w.timer = time.AfterFunc(timeout, func() { b.end(w, w.nobody) })
	}
}

// claim tells whether the waiter is the caller's to answer: one is the first.
func (b *blocking) claim(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.done {
		return false
	}
	w.done = true
	for _, k := range w.keys {
		at := blockKey{w.db, k}
		rest := slices.DeleteFunc(b.by[at], func(o *waiter) bool { return o == w })
		if b.by[at] = rest; len(rest) == 0 {
			delete(b.by, at)
		}
	}
	if len(w.keys) > 0 {
		b.types[w.typ]--
	}
	b.n.Add(-1)
	if w.timer != nil {
		w.timer.Stop()
	}
	return true
}

// cancel gives up waiting and tells whether nobody has answered.
func (b *blocking) cancel(w *waiter) bool { return b.claim(w) }

// end answers a waiter without a key, and tells whether it still waited.
func (b *blocking) end(w *waiter, answer func(w *writer)) bool {
	if !b.claim(w) {
		return false
	}
	out := writer{proto: w.proto}
	answer(&out)
	w.s.deliver(out.b, 0, true)
	return true
}

// signal notes that a key has come to be, for those who wait for it. Its stripe
// is locked. As in Redis it has its turn from the first time on when it is of a type that
// anybody waits for, with whatever key.
func (s *Session) signal(dbi int, key []byte) {
	b := &s.db.blocking
	if b.n.Load() == 0 {
		return
	}
	h := s.hash(key)
	e := s.db.sp.Shard(dbi, h).Find(h, key)
	if !e.Exists() {
		return
	}
	typ, at := e.Type(), blockKey{dbi, string(key)}
	b.mu.Lock()
	wanted := len(b.by[at]) > 0 && b.types[typ] > 0
	b.mu.Unlock()
	if wanted && !slices.Contains(s.ready, at) {
		s.ready = append(s.ready, at)
	}
}

// serve answers those who wait for the keys that s has given something to, in the
// order in which they came. No lock is held.
func (b *blocking) serve(s *Session) {
	helper := &Session{db: b.db, trusted: true, authed: true, quiet: true, cmd: s.cmd}
	for len(s.ready) > 0 {
		at := s.ready[0]
		s.ready = s.ready[1:]
		b.mu.Lock()
		list := slices.Clone(b.by[at])
		b.mu.Unlock()
		for _, w := range list {
			if !b.serveOne(helper, w, at) {
				break
			}
		}
		s.ready = append(s.ready, helper.ready...)
		helper.ready = nil
		s.last = max(s.last, helper.last)
	}
	s.ready = nil
	if len(helper.stale) > 0 {
		helper.purge()
	}
}

// serveOne serves a waiter and tells whether there may be something for the next.
func (b *blocking) serveOne(h *Session, w *waiter, at blockKey) bool {
	key := []byte(at.key)
	m := keyspace.MaskOf(b.db.sp.Hash(key)) | w.extra
	b.db.sp.Lock(m)
	defer b.db.sp.Unlock(m)
	h.dbi, h.nowMillis, h.keyPtr = w.db, 0, nil
	h.w = writer{proto: w.proto}
	e := h.write(key)
	if !e.Exists() {
		h.logUnit()
		return false
	}
	if e.Type() != w.typ {
		return true
	}
	if !b.claim(w) {
		return true
	}
	h.rewritten, h.dirty = false, 0
	w.serve(h, key)
	b.db.stats.dirty.Add(int64(h.dirty))
	h.logUnit()
	w.s.deliver(h.w.b, h.last, true)
	return true
}

// pauseState is CLIENT PAUSE.
type pauseState struct {
	mu     sync.Mutex
	until  time.Time // guarded by mu
	writes bool      // guarded by mu; only writes
	held   []*waiter // guarded by mu
	timer  *time.Timer
}

// holds keeps a command back while clients are paused.
func (p *pauseState) holds(s *Session, c *command, a [][]byte) bool {
	if s.trusted {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.IsZero() || !time.Now().Before(p.until) {
		return false
	}
	if c.name == "client|unpause" { // or nobody could end it
		return false
	}
	if p.writes {
		writes := c.flags&fWrite != 0 || c.upper == "PUBLISH" || c.upper == "SPUBLISH"
		if s.multi != nil && c.upper == "EXEC" {
			for _, q := range s.multi.queue {
				writes = writes || q.cmd.flags&fWrite != 0
			}
		}
		if !writes {
			return false
		}
	}
	w := &waiter{s: s, proto: s.w.proto, again: cloneArgs(a), nobody: func(*writer) {}}
	s.blocked = w
	p.held = append(p.held, w)
	s.db.blocking.n.Add(1)
	return true
}

// active tells whether clients are paused.
func (p *pauseState) active() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.until)
}

// set begins to pause.
func (p *pauseState) set(db *DB, d time.Duration, writes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(d)
	active := time.Now().Before(p.until)
	if !active || until.After(p.until) {
		p.until = until
	}
	if !active || p.writes {
		p.writes = writes
	}
	db.attention.Store(true)
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(time.Until(p.until), func() { p.end(db) })
}

// end lets all go on.
func (p *pauseState) end(db *DB) {
	p.mu.Lock()
	held := p.held
	p.held = nil
	p.until = time.Time{}
	p.mu.Unlock()
	db.attention.Store(false)
	for _, w := range held {
		if db.blocking.claim(w) {
			w.s.deliver(nil, 0, true)
		}
	}
}

// stop ends the timer.
func (p *pauseState) stop() {
	p.mu.Lock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
}

// withTimeout counts those who wait not for ever.
func (b *blocking) withTimeout() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := make(map[*waiter]struct{})
	for _, list := range b.by {
		for _, w := range list {
			if w.timer != nil {
				found[w] = struct{}{}
			}
		}
	}
	return len(found)
}
