package kvstore

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// SetOptions tune a Set. A nil *SetOptions means none of them.
type SetOptions struct {
	// TTL is how long the key lives, in milliseconds at the finest. Zero means for
	// ever.
	TTL time.Duration
	// KeepTTL leaves the time to live of an existing key as it is.
	KeepTTL bool
	// IfAbsent sets the key only if it does not exist.
	IfAbsent bool
	// IfPresent sets the key only if it exists.
	IfPresent bool
}

// Set stores a string under key, whatever was there before. value is copied. A
// condition of the options that is not met gives [ErrNotSet].
func (db *DB) Set(key string, value []byte, o *SetOptions) error {
	if o == nil {
		o = &SetOptions{}
	}
	if o.TTL < 0 {
		return CommandError("ERR invalid expire time in 'set' command")
	}
	if err := db.ready(); err != nil {
		return err
	}
	h := db.sp.HashString(key)
	m := keyspace.MaskOf(h)
	s := db.session()
	if err := db.writable(m, s); err != nil {
		db.pool.Put(s)
		return err
	}
	err := s.set(h, keyBytes(key), value, o)
	s.endWrite(m)
	if t := db.finish(s); err == nil {
		err = t
	}
	return err
}

// writable locks stripes for the writing of a method, if it may write.
func (db *DB) writable(m keyspace.Mask, s *Session) error {
	if msg := db.noWrites(); msg != "" {
		return CommandError(msg)
	}
	if db.outOfMemory(s) {
		return CommandError("OOM command not allowed when used memory > 'maxmemory'.")
	}
	db.sp.Lock(m)
	if db.closed.Load() {
		db.sp.Unlock(m)
		return ErrClosed
	}
	s.nowMillis, s.dirty, s.rewritten = 0, 0, false
	return nil
}

// endWrite logs and unlocks.
func (s *Session) endWrite(m keyspace.Mask) {
	s.logUnit()
	s.unlock(m, true)
	s.after()
}

func (s *Session) set(h uint64, key, value []byte, o *SetOptions) error {
	s.keyPtr, s.keyLen, s.keyHash = unsafe.SliceData(key), len(key), h
	e := s.write(key)
	if o.IfAbsent && e.Exists() || o.IfPresent && !e.Exists() {
		return ErrNotSet
	}
	var at int64
	if o.TTL > 0 {
		at = s.now() + max(o.TTL.Milliseconds(), 1)
	}
	s.expectNew(key)
	s.store(e, key, value, at, o.KeepTTL && at == 0)
	s.endForeseen()
	if at == 0 && s.logs() {
		s.logPlainSet(key, value, o.KeepTTL)
	}
	s.db.stats.dirty.Add(1)
	return nil
}

// logPlainSet logs SET without allocating.
func (s *Session) logPlainSet(key, value []byte, keep bool) {
	w := writer{b: s.unit}
	if keep {
		w.array(4)
	} else {
		w.array(3)
	}
	w.str("SET")
	w.bulk(key)
	w.bulk(value)
	if keep {
		w.str("KEEPTTL")
	}
	s.unit = w.b
	s.unitN++
}

// Delete removes keys and returns how many of them existed.
func (db *DB) Delete(keys ...string) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	args := [][]byte{[]byte("DEL")}
	for _, k := range keys {
		args = append(args, []byte(k))
	}
	r, err := db.do(args...)
	return int(r.Int), err
}

// Incr adds delta to the integer at key, 0 if there is none, and returns the sum.
func (db *DB) Incr(key string, delta int64) (int64, error) {
	r, err := db.do([]byte("INCRBY"), []byte(key), itoa(delta))
	return r.Int, notInteger(err)
}

// notInteger returns [ErrNotInteger] for what INCRBY says of a value.
func notInteger(err error) error {
	var ce CommandError
	if errors.As(err, &ce) && (ce == msgNotInt || ce == msgOverflow || ce == msgHashInt) {
		return ErrNotInteger
	}
	return err
}

// Expire gives a key a time to live; not positive removes it at once. It tells
// whether the key exists.
func (db *DB) Expire(key string, d time.Duration) (bool, error) {
	r, err := db.do([]byte("PEXPIRE"), []byte(key), itoa(d.Milliseconds()))
	return r.Int == 1, err
}

// TTL returns how long a key will live, -1 if for ever, or [ErrNotFound].
func (db *DB) TTL(key string) (time.Duration, error) {
	if err := db.ready(); err != nil {
		return 0, err
	}
	h := db.sp.HashString(key)
	m := keyspace.MaskOf(h)
	db.sp.RLock(m)
	defer db.sp.RUnlock(m)
	e, err := db.find(h, key)
	switch {
	case err != nil:
		return 0, err
	case e.ExpireAt() == 0:
		return -1, nil
	}
	return time.Duration(e.ExpireAt()-db.now().UnixMilli()) * time.Millisecond, nil
}

// All yields the strings whose keys begin with prefix, in the order of the keys,
// as they were when the iteration began. The values belong to the caller.
func (db *DB) All(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		sn := db.Snapshot()
		defer sn.Close()
		for k, v := range sn.All(prefix) {
			if !yield(k, v) {
				return
			}
		}
	}
}

// A Snapshot is the store as it was at one moment. While it is open, what is
// changed is kept in memory for it. Its methods may be called concurrently.
type Snapshot struct {
	db   *DB
	view *keyspace.View
	at   int64
}

// Snapshot returns a snapshot of the present. Taking it takes the time of one
// write, however much is stored. It must be closed.
func (db *DB) Snapshot() *Snapshot {
	_ = db.ready() // else the snapshot is empty, or that of a closed store
	return &Snapshot{db, db.sp.Open(), db.now().UnixMilli()}
}

// Close ends the snapshot. It may be called twice.
func (sn *Snapshot) Close() { sn.view.Close() }

// Get returns the string that was at key, or [ErrNotFound].
func (sn *Snapshot) Get(key string) ([]byte, error) {
	v := sn.view.Get(0, keyBytes(key))
	switch {
	case v == nil || v.ExpireAt != 0 && v.ExpireAt <= sn.at:
		return nil, ErrNotFound
	case v.Type != keyspace.String:
		return nil, ErrWrongType
	}
	return bytes.Clone(v.Str()), nil
}

// All is [DB.All] of the snapshot.
func (sn *Snapshot) All(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		var keys []string
		sn.view.Walk(0, func(key []byte, e keyspace.Entry, old *keyspace.Value) bool {
			if !bytes.HasPrefix(key, keyBytes(prefix)) {
				return true
			}
			var at int64
			var t keyspace.Type
			if old != nil {
				at, t = old.ExpireAt, old.Type
			} else {
				at, t = e.ExpireAt(), e.Type()
			}
			if t == keyspace.String && (at == 0 || at > sn.at) {
				keys = append(keys, string(key))
			}
			return true
		})
		slices.Sort(keys)
		for _, k := range keys {
			v, err := sn.Get(k)
			if err != nil { // the snapshot was closed meanwhile
				return
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

// A Tx is a set of changes that become visible, and durable, together. It is
// valid inside of the function given to Update or View.
type Tx struct {
	s        *Session
	readOnly bool
}

// Get returns the string at key as the transaction sees it, or [ErrNotFound].
func (tx *Tx) Get(key string) ([]byte, error) {
	if keyspace.MaskOf(tx.s.db.sp.HashString(key))&^tx.s.held != 0 {
		return nil, CommandError("ERR 'get' uses a key that was not announced")
	}
	e := tx.s.peek([]byte(key))
	switch {
	case !e.Exists():
		return nil, ErrNotFound
	case e.Type() != keyspace.String:
		return nil, ErrWrongType
	}
	return append([]byte{}, e.Str()...), nil
}

// Set stores a string under key. value is copied.
func (tx *Tx) Set(key string, value []byte) {
	tx.run([]byte("SET"), []byte(key), value)
}

// Delete removes a key.
func (tx *Tx) Delete(key string) { tx.run([]byte("DEL"), []byte(key)) }

// Do runs a Redis command on keys, with arguments as in [DB.Do], as part of the
// transaction.
func (tx *Tx) Do(cmd string, args ...string) (Reply, error) {
	list := [][]byte{[]byte(cmd)}
	for _, a := range args {
		list = append(list, []byte(a))
	}
	r := tx.run(list...)
	return r, r.Err()
}

func (tx *Tx) run(a ...[]byte) Reply {
	s := tx.s
	c, msg := s.db.cmds.Load().resolve(a)
	switch {
	case msg != "":
		return Reply{Kind: ErrorReply, Text: msg}
	case tx.readOnly && c.flags&fWrite != 0:
		panic("kvstore: " + c.name + " inside of View")
	case c.flags&(fWrite|fReadonly) == 0 || c.flags&fNoMulti != 0 || c.lock == lockAll && c.flags&fWrite != 0 && c.upper != "SORT":
		return Reply{Kind: ErrorReply, Text: "ERR '" + c.name + "' is not for transactions in Go"}
	}
	if m := s.locksOf(c, a); m&^s.held != 0 {
		return Reply{Kind: ErrorReply, Text: "ERR '" + c.name + "' uses a key that was not announced"}
	}
	s.w.b = s.w.b[:0]
	s.run(c, a)
	r, _ := parseReply(s.w.b)
	return r
}

// Update runs f. All that f changes becomes visible, and is logged, together; if f
// returns an error or panics, nothing has changed. No other command runs
// meanwhile: f must not call methods of the DB.
func (db *DB) Update(f func(*Tx) error) error {
	if err := db.ready(); err != nil {
		return err
	}
	s := db.NewSession(nil)
	if err := db.writable(keyspace.All, s); err != nil {
		return err
	}
	err := s.update(f)
	if err != nil {
		return err
	}
	return db.Commit(s.EndBatch())
}

// update runs f under all locks, which it gives back.
func (s *Session) update(f func(*Tx) error) error {
	s.held = keyspace.All
	s.undo = make(map[blockKey]*keyspace.Value)
	good := false
	defer func() {
		if !good {
			s.rollBackTo(0, 0)
		}
		s.undo = nil
		s.held = 0
		s.logUnit()
		s.unlock(keyspace.All, true)
		s.after()
	}()
	if err := f(&Tx{s: s}); err != nil {
		return err
	}
	good = true
	return nil
}

// rollBackTo puts back what was there, and forgets what was to be logged behind a
// place.
func (s *Session) rollBackTo(unit, n int) {
	undo := s.undo
	s.undo = nil
	for at, v := range undo {
		key := []byte(at.key)
		h := s.db.sp.Hash(key)
		sh := s.db.sp.WriteShard(at.db, h)
		e := sh.FindWrite(h, key)
		if e.Exists() {
			e.Delete()
			e = e.Gone()
		}
		if v != nil {
			e = sh.Put(e, key, v)
			e.SetIdle(v.Idle)
		}
	}
	s.unit, s.unitN, s.dirty, s.ready = s.unit[:unit], n, 0, nil
}

// View runs f on the store of one moment. Writers wait meanwhile: f must not call
// methods of the DB.
func (db *DB) View(f func(*Tx) error) error {
	if err := db.ready(); err != nil {
		return err
	}
	s := db.NewSession(nil)
	db.sp.RLock(keyspace.All)
	s.held = keyspace.All
	defer func() {
		s.held = 0
		db.sp.RUnlock(keyspace.All)
		s.after()
	}()
	return f(&Tx{s: s, readOnly: true})
}
