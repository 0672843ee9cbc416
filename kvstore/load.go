package kvstore

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// Load replaces everything by what a file in Redis's format (RDB up to version 12)
// has; after an error, nothing has changed. With a log, that is rewritten.
func (db *DB) Load(r io.Reader) error {
	if err := db.ready(); err != nil {
		return err
	}
	if err := db.logErr(); err != nil {
		return CommandError(misconf(err))
	}
	fresh := db.sp.NewLike(db.sp.DBs())
	if err := (&loader{sp: fresh}).load(rdb.NewReader(r)); err != nil {
		return err
	}
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	var rw *aof.Rewrite
	log := db.log.Load() // which stays, as rewriting is locked
	if log != nil {
		var err error
		if rw, err = log.Rewrite(db.conf.preamble.Load()); err != nil {
			return err
		}
	}
	db.sp.Lock(keyspace.All)
	s := db.NewSession(nil)
	s.touchDBs(func(blockKey) (presence, bool) { return present, true })
	db.sp.Replace(fresh)
	if log == nil {
		db.sp.Unlock(keyspace.All)
		return nil
	}
	view := db.sp.OpenLocked()
	rw.Switch()
	db.sp.Unlock(keyspace.All)
	defer view.Close()
	err := db.writeBase(context.Background(), rw, view)
	if err != nil {
		log.SetLost() // the log is rewritten as soon as that is possible
	}
	return err
}

// loader is the handler of files: it makes keys in a space, whose stripes are
// locked or which nobody else knows.
type loader struct {
	sp       *keyspace.Space
	db       int
	n        int
	b        keyspace.Builder
	expireAt int64
	idle     int64

	// turn, if not nil, is called with the number of keys since its last call.
	turn    func(keys int64) error
	keys    int64  // since then
	parts   int    // likewise, of collections
	usedMem *int64 // nil, or set to what the file says that its writer has used

	// Strings of files wait until some have come together: where they will be in
	// the table is then loaded into the processor's cache for all of them at once,
	// which takes as long as for one.
	waiting []waitingString
	full    int  // of waiting
	touched byte // so that Touch is not for nothing
}

const mostWaiting = 1 << 10 // a copy of more costs more than it saves

// A waitingString has copies: what a handler gets is valid during the call.
type waitingString struct {
	hash           uint64
	name, v        []byte
	expireAt, idle int64
}

// load reads a file.
func (l *loader) load(r *rdb.Reader) error {
	l.waiting = make([]waitingString, keyspace.MostTouched)
	if err := r.Read(l); err != nil {
		return err
	}
	if err := l.flush(); err != nil || l.turn == nil {
		return err
	}
	return l.turn(l.keys)
}

// took counts what was made, and calls turn now and then.
func (l *loader) took(keys int64, parts int) error {
	l.keys += keys
	l.parts += parts
	if l.turn == nil || l.keys < keysPerTurn && l.parts < partsPerTurn {
		return nil
	}
	n := l.keys
	l.keys, l.parts = 0, 0
	return l.turn(n)
}

// flush makes the keys of the strings that wait.
func (l *loader) flush() error {
	var hashes [keyspace.MostTouched]uint64
	for i := range l.full {
		hashes[i] = l.waiting[i].hash
	}
	l.touched += l.sp.TouchOwn(l.db, hashes[:l.full])
	for i := range l.full {
		w := &l.waiting[i]
		if err := l.str(w.hash, &rdb.Key{Name: w.name, ExpireAt: w.expireAt, Idle: w.idle}, w.v); err != nil {
			return err
		}
	}
	n := l.full
	l.full = 0
	return l.took(int64(n), 0)
}

func (l *loader) Aux(name, v []byte) error {
	if n, ok := parseInt(v); ok && l.usedMem != nil && string(name) == "used-mem" {
		*l.usedMem = n
	}
	return nil
}

func (l *loader) Function(_ []byte) error { return nil } // nothing runs them

func (l *loader) Database(n int) error {
	if n >= l.sp.DBs() {
		return fmt.Errorf("database %d of %d", n, l.sp.DBs())
	}
	err := l.flush()
	l.db = n
	return err
}

func (l *loader) Sizes(keys, _ int) error {
	l.sp.Reserve(l.db, min(keys, 1<<26))
	return nil
}

func (l *loader) begin(h uint64, k *rdb.Key) error {
	sh := l.sp.WriteShard(l.db, h)
	e := sh.FindWrite(h, k.Name)
	if e.Exists() {
		return fmt.Errorf("the key %q is there twice", k.Name)
	}
	l.b = sh.NewBuilder(e, k.Name)
	l.expireAt, l.idle = k.ExpireAt, k.Idle
	return nil
}

// End ends a key that has come in parts.
func (l *loader) End() error {
	l.end()
	return l.took(1, 0)
}

// end sets what is known of the key beside its value.
func (l *loader) end() {
	e := l.b.Entry()
	if l.idle > 0 {
		e.SetIdle(uint32(min(l.idle-1, 1<<24-1)))
	}
	if l.expireAt != 0 {
		e.SetExpireAt(l.expireAt)
	}
}

// one makes a key whose value comes in one piece.
func (l *loader) one(k *rdb.Key, build func() error) error {
	if err := l.begin(l.sp.Hash(k.Name), k); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	return l.End()
}

func (l *loader) String(k *rdb.Key, v []byte) error {
	h := l.sp.Hash(k.Name)
	if l.waiting == nil || len(v) > mostWaiting {
		if err := l.str(h, k, v); err != nil {
			return err
		}
		return l.took(1, 0)
	}
	w := &l.waiting[l.full]
	w.hash, w.expireAt, w.idle = h, k.ExpireAt, k.Idle
	w.name, w.v = append(w.name[:0], k.Name...), append(w.v[:0], v...)
	if l.full++; l.full == len(l.waiting) {
		return l.flush()
	}
	return nil
}

func (l *loader) str(h uint64, k *rdb.Key, v []byte) error {
	if err := l.begin(h, k); err != nil {
		return err
	}
	l.b.String(v)
	l.end()
	return nil
}

func (l *loader) IntSet(k *rdb.Key, b []byte) error {
	return l.one(k, func() error {
		l.b.IntSet(b)
		return nil
	})
}

func (l *loader) SetPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.SetPack(lp) })
}

func (l *loader) HashPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.HashPack(lp) })
}

func (l *loader) ZSetPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.ZSetPack(lp, parseScore) })
}

func (l *loader) many(k *rdb.Key, n int) error {
	l.n = n
	return l.begin(l.sp.Hash(k.Name), k)
}

func (l *loader) List(k *rdb.Key, n int) error { return l.many(k, n) }
func (l *loader) Set(k *rdb.Key, n int) error  { return l.many(k, n) }
func (l *loader) Hash(k *rdb.Key, n int) error { return l.many(k, n) }
func (l *loader) ZSet(k *rdb.Key, n int) error { return l.many(k, n) }

// part counts a part of a collection that was made.
func (l *loader) part(err error) error {
	if err == nil {
		err = l.took(0, 1)
	}
	return err
}

func (l *loader) ListPack(lp []byte) error {
	l.b.ListPack(lp)
	return l.part(nil)
}

func (l *loader) ListItem(v []byte) error {
	l.b.ListItem(v)
	return l.part(nil)
}

func (l *loader) Member(v []byte) error               { return l.part(l.b.Member(v, l.n)) }
func (l *loader) Pair(field, v []byte) error          { return l.part(l.b.Pair(field, v, l.n)) }
func (l *loader) Score(m []byte, score float64) error { return l.part(l.b.Score(m, score, l.n)) }

// loadSnapshot reads a file in Redis's format at the beginning of data and returns
// its length. loading.mu is held.
func (db *DB) loadSnapshot(data []byte) (int64, error) {
	r := rdb.NewReader(bytes.NewReader(data))
	l := &loader{sp: db.sp, usedMem: &db.loading.usedMem}
	l.turn = func(keys int64) error {
		db.loading.keys += keys
		return db.turn(keys, r.Offset())
	}
	err := l.load(r)
	return r.Offset(), err
}
