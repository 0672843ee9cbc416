package kvstore

import (
	"bytes"
	"unsafe"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// hash returns the hash of a key. The hash of the last one is known: the command
// has been locked by it.
func (s *Session) hash(key []byte) uint64 {
	p := unsafe.SliceData(key)
	if p == s.keyPtr && len(key) == s.keyLen && p != nil {
		return s.keyHash
	}
	s.keyPtr, s.keyLen, s.keyHash = p, len(key), s.db.sp.Hash(key)
	return s.keyHash
}

// now is the time of the command, in Unix milliseconds.
func (s *Session) now() int64 {
	if s.nowMillis == 0 {
		s.nowMillis = s.db.now().UnixMilli()
	}
	return s.nowMillis
}

// logs tells whether changes are logged.
func (s *Session) logs() bool { return s.db.log.Load() != nil && !s.replaying }

// effect logs a command in place of the one that runs; also none, with no
// arguments.
func (s *Session) effect(args ...[]byte) {
	s.rewritten = true
	if s.logs() && len(args) > 0 {
		s.unit = appendArgs(s.unit, args...)
		s.unitN++
	}
}

// effectIn logs a command in a database before the command that runs.
func (s *Session) effectIn(dbi int, args ...[]byte) {
	if !s.logs() {
		return
	}
	if dbi != s.dbi {
		s.unit = appendArgs(s.unit, []byte("SELECT"), itoa(int64(dbi)))
	}
	s.unit = appendArgs(s.unit, args...)
	s.unitN++
	if dbi != s.dbi {
		s.unit = appendArgs(s.unit, []byte("SELECT"), itoa(int64(s.dbi)))
		s.unitN += 2
	}
}

// logUnit hands to the log what has been done, unless more is to follow.
func (s *Session) logUnit() {
	if s.unitN == 0 || s.held != 0 {
		return
	}
	s.last = s.db.logUnit(s.dbi, s.unit, s.unitN)
	if s.unit = s.unit[:0]; cap(s.unit) > 64<<10 {
		s.unit = nil
	}
	s.unitN = 0
}

// purge removes the keys that were found expired.
func (s *Session) purge() {
	keys := s.stale
	s.stale = nil
	if s.db.attention.Load() {
		return // paused: nothing changes, not even by time
	}
	for _, key := range keys {
		m := keyspace.MaskOf(s.db.sp.Hash(key))
		s.lock(m, true)
		s.nowMillis = 0
		s.write(key)
		s.logUnit()
		s.unlock(m, true)
	}
	s.keyPtr = nil
}

// read returns the entry of a key for reading.
func (s *Session) read(key []byte) keyspace.Entry {
	e := s.glimpse(key)
	if e.Exists() {
		e.Touch()
	}
	return e
}

// glimpse is read, but the key's time of use stays.
func (s *Session) glimpse(key []byte) keyspace.Entry {
	return s.counted(s.peek(key))
}

// counted counts a look-up, for commands that look for what they write to.
func (s *Session) counted(e keyspace.Entry) keyspace.Entry {
	if e.Exists() {
		s.hits++
	} else {
		s.misses++
	}
	return e
}

// peek is read without a trace of it.
func (s *Session) peek(key []byte) keyspace.Entry {
	h := s.hash(key)
	e := s.db.sp.Shard(s.dbi, h).Find(h, key)
	if e.Exists() && s.isExpired(e) {
		s.stale = append(s.stale, bytes.Clone(key))
		return keyspace.Entry{}
	}
	return e
}

func (s *Session) isExpired(e keyspace.Entry) bool {
	at := e.ExpireAt()
	return at != 0 && !s.replaying && at <= s.now()
}

// write returns the entry of a key for writing, without a key if there is none.
func (s *Session) write(key []byte) keyspace.Entry {
	return s.writeIn(s.dbi, key)
}

func (s *Session) writeIn(dbi int, key []byte) keyspace.Entry {
	h := s.hash(key)
	e := s.db.sp.WriteShard(dbi, h).FindWrite(h, key)
	if s.undo != nil {
		s.remember(dbi, e, key)
	}
	if !e.Exists() {
		return e
	}
	if s.isExpired(e) {
		s.expireNow(dbi, e, key)
		return e.Gone()
	}
	e.Touch()
	return e
}

// remember keeps what a key is before a change, for rollBack.
func (s *Session) remember(dbi int, e keyspace.Entry, key []byte) {
	at := blockKey{dbi, string(key)}
	if _, ok := s.undo[at]; ok {
		return
	}
	s.undo[at] = nil
	if e.Exists() {
		v := e.Freeze()
		s.undo[at] = &v
	}
}

// expireNow removes a key whose time is over.
func (s *Session) expireNow(dbi int, e keyspace.Entry, key []byte) {
	s.tidy = e.Shard()
	e.Delete()
	s.db.stats.expired.Add(1)
	s.effectIn(dbi, []byte("DEL"), key)
	s.touchWatched(dbi, key, true)
	s.notifyIn(dbi, notifyExpired, "expired", key)
}

// remove deletes a key that exists.
func (s *Session) remove(e keyspace.Entry) {
	s.tidy = e.Shard()
	e.Delete()
}

// changed notes that a key was changed n times.
func (s *Session) changed(key []byte, n int) {
	s.dirty += n
	if s.db.watching.n.Load() > 0 {
		s.touchWatched(s.dbi, key, false)
	}
}

// typed returns the entry of a key for reading, if it has the type; ok is false
// after an error was answered. wantType errors are the most frequent ones.
func (s *Session) typed(key []byte, t keyspace.Type) (e keyspace.Entry, ok bool) {
	e = s.read(key)
	if e.Exists() && e.Type() != t {
		s.fail(msgWrongType)
		return e, false
	}
	return e, true
}

// typedWrite is typed for writing.
func (s *Session) typedWrite(key []byte, t keyspace.Type) (e keyspace.Entry, ok bool) {
	e = s.write(key)
	if e.Exists() && e.Type() != t {
		s.fail(msgWrongType)
		return e, false
	}
	return e, true
}
