package kvstore

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// SessionOptions say who uses a session. All functions may be called from any
// goroutine, with locks of the DB held: they must not block, and not call it.
type SessionOptions struct {
	// Wake asks the owner to call Resume soon.
	Wake func()
	// Kill asks the owner to close the connection.
	Kill func()
	// Buffers returns the bytes of the input buffer in use, those free in it, and
	// those of the output that waits. Nil: zeros.
	Buffers func() (in, inFree, out int)
	// Shutdown is called by SHUTDOWN, after PrepareShutdown. Nil: the command fails.
	Shutdown func(o ShutdownOptions)

	Addr, LocalAddr string // for CLIENT LIST
	FD              int    // likewise
}

// ShutdownOptions are those of the command SHUTDOWN.
type ShutdownOptions struct{ Save, NoSave, Now, Force, Abort bool }

// A Session runs commands as one client: it has what a connection has in Redis.
// Package server has one for each connection. All methods are for one goroutine at
// a time.
type Session struct {
	db      *DB
	o       SessionOptions
	trusted bool // of the program itself: needs no password, is in no list
	client  clientInfo

	w       writer
	dbi     int  // number of the database
	special bool // one of the following has to be looked at before a command
	early   bool // it began before everything was loaded
	authed  bool
	multi   *multiState
	watched []*watch
	subs    subscriptions
	closing bool
	noReply replyMode

	// Of the command that runs.
	cmd       *command
	nowMillis int64 // 0: not asked for yet
	keyPtr    *byte // of the last key that was hashed
	keyLen    int
	keyHash   uint64
	dirty     int  // changes
	failed    bool // it answered an error
	rewritten bool // it logs other commands than itself
	replaying bool // its commands come from a file: no key expires, nothing is logged
	quiet     bool // its commands are part of another one: they are not counted

	held     keyspace.Mask // stripes that are locked for several commands
	unit     []byte        // to be logged, and
	unitN    int           // the number of commands in it
	stale    [][]byte      // keys that were found expired
	tidy     *keyspace.Shard
	ready    []blockKey                   // keys that those who wait may be served from
	foreseen *foreseen                    // nil: nobody wants such events
	undo     map[blockKey]*keyspace.Value // what keys were; nil value: not there; nil map: not kept
	last     uint64                       // ticket

	lap                    time.Duration // since the start of the DB, when the last command ended
	tally                  tally         // not counted in the DB yet
	hits, misses, commands int64         // likewise

	flushed bool    // everything was removed, which the snapshot is to show
	blocked *waiter // nil: not waiting
	touched byte    // what Prefetch has loaded, which means nothing

	pushes []byte // messages of the command that runs, if its reply is not wanted

	mu       sync.Mutex
	pending  []byte      // guarded by mu; replies and messages from others
	ticket   uint64      // guarded by mu; of what is in pending
	woken    bool        // guarded by mu
	served   bool        // guarded by mu; pending has the reply that blocked waits for
	dirtyCAS atomic.Bool // a watched key has changed
}

type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip     // this command
	replySkipNext // the next one
)

// NewSession returns a session. Nil options are for the program itself, which
// needs no password and is not in CLIENT LIST.
func (db *DB) NewSession(o *SessionOptions) *Session {
	s := &Session{db: db, w: writer{proto: 2}}
	s.early = db.loading.active.Load()
	s.special = s.early
	if o == nil {
		s.trusted, s.authed = true, true
		s.w.proto = 3
		s.client.proto.Store(3)
		return s
	}
	s.o = *o
	s.client.proto.Store(2)
	s.authed = db.password() == ""
	s.setSpecial()
	db.clients.add(s)
	return s
}

// Exec runs a command and appends its reply to dst. The arguments are not kept, and
// must not be changed by others meanwhile.
//
// If the session is [Session.Blocked] then, the reply comes later, by Resume.
// Before the replies are shown to anybody, the ticket of EndBatch must have been
// committed.
func (s *Session) Exec(dst []byte, a [][]byte) []byte {
	if len(a) == 0 {
		return dst
	}
	start := len(dst)
	s.w.b = dst
	if s.early {
		s.execEarly(a)
	} else {
		s.exec(a)
	}
	dst = s.w.b
	s.w.b = nil
	if s.noReply != replyOn {
		if s.noReply != replySkipNext {
			dst = append(dst[:start], s.pushes...)
			s.pushes = nil
		}
		if s.noReply != replyOff {
			s.noReply = replyOn + (s.noReply-replySkip)*replySkip
		}
	}
	return dst
}

func (s *Session) exec(a [][]byte) {
	if r := s.db.renames; r != nil && !s.trusted {
		var ok bool
		if a, ok = r.resolve(a); !ok {
			s.reject(nil, unknownCommand(a))
			return
		}
	}
	c, msg := s.db.cmds.Load().resolve(a)
	if msg != "" {
		if is(a[0], "POST") || is(a[0], "HOST:") {
			// A browser was made to talk to us. Redis drops such connections too.
			s.closing = true
			return
		}
		s.reject(c, msg)
		return
	}
	if s.special || c.flags&(fWrite|fDenyOOM|fBlocking) != 0 || s.db.attention.Load() {
		if s.refuse(c, a) {
			return
		}
	}
	if s.multi != nil && !c.atOnce() {
		s.queue(c, a)
		return
	}
	s.call(c, a)
}

// atOnce tells whether a command is not queued after MULTI.
func (c *command) atOnce() bool {
	switch c.upper {
	case "EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET":
		return true
	}
	return false
}

// reject answers an error before a command has run.
func (s *Session) reject(c *command, msg string) {
	if s.multi != nil {
		s.multi.broken = true
	}
	s.handIn(nil)
	if strings.HasPrefix(msg, "ERR unknown") {
		s.client.lastCmd.Store(nil)
	} else {
		s.client.lastCmd.Store(c)
	}
	if c != nil {
		c.stat.rejected.Add(1)
		if c.upper == "EXEC" {
			s.endMulti()
			msg = "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(msg, "ERR ")
		}
	}
	s.fail(msg)
	s.failed = false
}

// refuse checks what the state of the session and the DB asks for, and tells
// whether the command is not to be run.
func (s *Session) refuse(c *command, a [][]byte) bool {
	flags, queued := c.flags, false
	if s.multi != nil {
		queued = !c.atOnce() && c.upper != "DISCARD"
		if c.upper == "EXEC" { // what it runs counts
			for _, q := range s.multi.queue {
				flags |= q.cmd.flags & (fWrite | fDenyOOM)
			}
		}
	}
	switch {
	case c.flags&fNoAuth == 0 && !s.Authenticated():
		s.reject(c, "NOAUTH Authentication required.")
		return true
	case s.multi != nil && c.flags&fNoMulti != 0:
		s.reject(c, "ERR Command not allowed inside a transaction")
		return true
	case (flags&fDenyOOM != 0 || queued) && s.db.outOfMemory(s): // a queue takes memory
		s.reject(c, "OOM command not allowed when used memory > 'maxmemory'.")
		return true
	}
	if flags&fWrite != 0 {
		if msg := s.db.noWrites(); msg != "" {
			s.reject(c, msg)
			return true
		}
	}
	if s.w.proto < 3 && s.subs.n() > 0 && !c.whileSubscribed() {
		s.reject(c, "ERR Can't execute '"+c.name+"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
		return true
	}
	if s.early && !c.whileLoading(s.multi) {
		s.reject(c, msgLoading)
		return true
	}
	if s.client.monitor.Load() && c.flags&(fWrite|fReadonly) != 0 {
		s.reject(c, "ERR Replica can't interact with the keyspace")
		return true
	}
	return s.db.pause.holds(s, c, a)
}

func (c *command) whileSubscribed() bool {
	switch c.upper {
	case "PING", "SUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "SUNSUBSCRIBE", "PUNSUBSCRIBE", "QUIT", "RESET":
		return true
	}
	return false
}

// call runs a command under the locks that it needs.
func (s *Session) call(c *command, a [][]byte) {
	if s.lap == 0 {
		s.lap = s.db.uptime()
	}
	if s.tally.cmd != c { // which may show what is counted
		s.handIn(c)
	}
	if c.glance != nil && s.held == 0 && s.dbi == 0 && c.glance(s, a) {
		s.failed, s.keyPtr = false, nil
		s.ran(c, a)
		return
	}
	m := s.locksOf(c, a)
	s.lock(m, c.flags&fWrite != 0)
	if s.db.closed.Load() {
		s.fail("ERR " + ErrClosed.Error())
	} else {
		s.run(c, a)
		s.logUnit()
	}
	s.unlock(m, c.flags&fWrite != 0)
	s.after()
	s.ran(c, a)
}

// ran shows and counts a command.
func (s *Session) ran(c *command, a [][]byte) {
	if s.db.monitors.n.Load() > 0 && !s.replaying {
		s.db.monitors.feed(s, c, a)
	}
	if !s.quiet {
		s.count(c, a)
	}
}

// run runs a command whose locks are held.
func (s *Session) run(c *command, a [][]byte) {
	before := s.cmd
	s.cmd, s.dirty, s.nowMillis, s.rewritten = c, 0, 0, false
	s.failed = false
	if s.db.conf.notify.Load()&(notifyKeyMiss|notifyNew) != 0 && !s.replaying {
		s.foresee(c, a)
	}
	c.run(s, a)
	s.endForeseen()
	if s.dirty > 0 {
		s.tally.dirty += int64(s.dirty)
		if s.logs() && !s.rewritten {
			s.unit = appendArgs(s.unit, a...)
			s.unitN++
		}
	}
	s.cmd = before
}

func (s *Session) lock(m keyspace.Mask, write bool) {
	switch {
	case s.held != 0 || m == 0:
	case write:
		s.db.sp.Lock(m)
	default:
		s.db.sp.RLock(m)
	}
}

func (s *Session) unlock(m keyspace.Mask, write bool) {
	if s.held != 0 || m == 0 {
		return
	}
	if s.tidy != nil {
		s.tidy.Tidy()
		s.tidy = nil
	}
	if write {
		s.db.sp.Unlock(m)
	} else {
		s.db.sp.RUnlock(m)
	}
}

// after does what has to wait until the locks are given back.
func (s *Session) after() {
	if s.held != 0 {
		return
	}
	s.keyPtr = nil
	if len(s.stale) > 0 {
		s.purge()
	}
	if s.flushed {
		s.flushed = false
		s.handIn(nil) // what it has changed is counted before
		s.db.saveFlushed()
	}
	if len(s.ready) > 0 {
		s.db.blocking.serve(s)
	}
}

// Blocked tells whether a command waits. No other may be run until it does not.
func (s *Session) Blocked() bool { return s.blocked != nil }

// Resume appends what has arrived for the session: the reply that it waits for,
// and messages. It may be called at any time.
func (s *Session) Resume(dst []byte) []byte {
	s.mu.Lock()
	dst = append(dst, s.pending...)
	s.pending = s.pending[:0]
	if cap(s.pending) > 64<<10 {
		s.pending = nil
	}
	s.last = max(s.last, s.ticket)
	s.ticket = 0
	s.woken = false
	served := s.served
	s.served = false
	s.mu.Unlock()
	if served && s.blocked != nil {
		w := s.blocked
		s.blocked = nil
		s.client.blocked.Store(false)
		if w.again != nil { // it was held back before it ran
			return s.Exec(dst, w.again)
		}
	}
	return dst
}

// deliver adds to what Resume appends.
func (s *Session) deliver(b []byte, ticket uint64, served bool) {
	s.mu.Lock()
	s.pending = append(s.pending, b...)
	s.ticket = max(s.ticket, ticket)
	s.served = s.served || served
	wake := !s.woken
	s.woken = true
	s.mu.Unlock()
	if wake && s.o.Wake != nil {
		s.o.Wake()
	}
}

// Closing tells whether the connection is to be closed after the replies.
func (s *Session) Closing() bool { return s.closing }

// Authenticated tells whether the client has given the password, if there is one.
func (s *Session) Authenticated() bool { return s.authed || s.db.password() == "" }

// Class returns the class of the client, an index of [Limits.Output].
func (s *Session) Class() int {
	if s.subs.n() > 0 && !s.client.monitor.Load() {
		return 2
	}
	return 0
}

// Close ends the session. What it waits for, watches and subscribes to is given up.
func (s *Session) Close() {
	s.EndBatch()
	if w := s.blocked; w != nil {
		s.db.blocking.cancel(w)
		s.blocked = nil
	}
	s.unwatch()
	s.multi = nil
	s.unsubscribeAll()
	s.db.monitors.remove(s)
	if !s.trusted {
		s.db.clients.remove(s)
	}
}

// fail answers an error.
func (s *Session) fail(text string) {
	s.failed = true
	s.db.stats.countError(text)
	s.w.fail(text)
}
