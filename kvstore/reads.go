package kvstore

import (
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// keyBytes returns the bytes of a key, for reading.
func keyBytes(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }

// Get returns the string at key, which belongs to the caller, or [ErrNotFound].
func (db *DB) Get(key string) ([]byte, error) {
	v, err := db.AppendGet(nil, key)
	if err == nil && v == nil {
		v = []byte{}
	}
	return v, err
}

// AppendGet appends the string at key to dst. It allocates nothing if dst has room.
// After an error what it returns is dst.
//
// Reading does not wait for other readers, and on amd64 it writes to no memory that
// they share, so that it costs the same on many processors.
//
// The idle time of the key, which OBJECT IDLETIME tells, starts again at the latest
// when it is a minute; with maxmemory and a policy that evicts, at once.
//
// Short keys and values are dealt with by locate and take, all others by appendSlow. A
// processor that waits for memory goes on with what comes after in the program as long
// as it has room to remember it, which is for two or three hundred instructions and
// fewer stores: look-ups that begin within them wait at the same time. So the way of a
// short key is as short as can be, without calls that would make it save what it has in
// registers (BenchmarkParallel: half of the time).
func (db *DB) AppendGet(dst []byte, key string) ([]byte, error) {
	if r, st, version := db.locate(key); r != nil {
		if v, ok := db.take(dst, key, r, st, version); ok {
			return v, nil
		}
	}
	return db.appendSlow(dst, key)
}

// locate returns where a short key is, most likely, in a stripe of some version, or nil.
func (db *DB) locate(key string) (*table.Record, *keyspace.Stripe, keyspace.Version) {
	if uint(len(key)-8) > 8 {
		return nil, nil, 0
	}
	h := db.sp.HashShort(unsafe.Pointer(unsafe.StringData(key)), len(key))
	st := db.sp.Stripe(h)
	version := st.Version()
	if version.Busy() {
		return nil, nil, 0
	}
	return st.Layout().First(h), st, version
}

// take appends the string in a record that locate has found, if it has the key, fits
// into dst, and there was no writer meanwhile.
func (db *DB) take(dst []byte, key string, r *table.Record, st *keyspace.Stripe, version keyspace.Version) ([]byte, bool) {
	k, last := unsafe.Pointer(unsafe.StringData(key)), len(key)-8
	a := r.Key()
	if r.KeyLen() != len(key) || *(*uint64)(a) != *(*uint64)(k) || *(*uint64)(unsafe.Add(a, last)) != *(*uint64)(unsafe.Add(k, last)) {
		return nil, false
	}
	v, size := r.Value(len(key))
	n := uint(len(dst))
	now, slack := db.sp.Clock()
	if size < 8 || uint(cap(dst))-n < size || !keyspace.Plain(r.Meta(), now, slack) {
		return nil, false
	}
	copyWords(unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), n), v, size)
	if st.Since(version) {
		return nil, false
	}
	db.reads.here().hits++
	return dst[:n+size], true
}

// copyWords copies n bytes, at least 8.
func copyWords(to, from unsafe.Pointer, n uint) {
	last := n - 8
	for i := uint(0); i < last; i += 8 {
		*(*uint64)(unsafe.Add(to, i)) = *(*uint64)(unsafe.Add(from, i))
	}
	*(*uint64)(unsafe.Add(to, last)) = *(*uint64)(unsafe.Add(from, last))
}

// appendSlow is for all keys and values.
func (db *DB) appendSlow(dst []byte, key string) ([]byte, error) {
	h := db.sp.HashString(key)
	v, how := db.glance(dst, h, key, math.MaxInt)
	switch how {
	case hit:
		return v, nil
	case miss:
		return dst, ErrNotFound
	}
	return db.appendLocked(dst, h, key)
}

// outcome is what came of reading without the lock.
type outcome uint8

const (
	hit outcome = iota
	miss
	locked // it takes the lock to know, or to do what has to be done
)

// glance appends the string at key, if it is no longer than most, without the lock.
func (db *DB) glance(dst []byte, h uint64, key string, most int) ([]byte, outcome) {
	st := db.sp.Stripe(h)
	version := st.Version()
	if version.Busy() {
		return dst, locked
	}
	v, meta, found := st.Layout().Find(h, key)
	if found == table.Absent && !st.Since(version) {
		db.reads.here().misses++
		return dst, miss
	}
	if found != table.Present {
		return dst, locked
	}
	if now, slack := db.sp.Clock(); !keyspace.Plain(meta, now, slack) {
		var at int64
		var ok bool
		if v, at, ok = keyspace.Expiring(v, meta, now, slack); !ok || at <= db.now().UnixMilli() {
			return dst, locked
		}
	}
	if len(v) > most {
		return dst, locked
	}
	v = append(dst, v...)
	if st.Since(version) {
		return dst, locked
	}
	db.reads.here().hits++
	return v, hit
}

func (db *DB) appendLocked(dst []byte, h uint64, key string) ([]byte, error) {
	m := keyspace.MaskOf(h)
	db.sp.RLock(m)
	e, err := db.find(h, key)
	if err == nil {
		if e.Type() == keyspace.String {
			dst = append(dst, e.Str()...)
		} else {
			err = ErrWrongType
		}
	}
	db.sp.RUnlock(m)
	return dst, err
}

// GetView calls f with the string at key without a copy that the caller would have
// to keep: v is valid, and does not change, until f returns. f must not change it,
// keep it, or call the DB, for a lock may be held; it may hand v to another goroutine
// that is done with it before f returns. An error of f is returned.
func (db *DB) GetView(key string, f func(v []byte) error) error {
	r, st, version := db.locate(key)
	b := db.views.Get().(*viewBuffer)
	if r != nil {
		if v, ok := db.take(b[:0], key, r, st, version); ok {
			err := f(v)
			db.views.Put(b)
			return err
		}
	}
	h := db.sp.HashString(key)
	v, how := db.glance(b[:0], h, key, len(b))
	var err error
	switch how {
	case hit:
		err = f(v)
	case miss:
		err = ErrNotFound
	}
	db.views.Put(b)
	if how == locked {
		return db.viewLocked(h, key, f)
	}
	return err
}

// viewBuffer is room for a short string while somebody looks at it: to copy so much
// takes less time than the lock that could do without.
type viewBuffer [512]byte

func (db *DB) viewLocked(h uint64, key string, f func(v []byte) error) error {
	m := keyspace.MaskOf(h)
	db.sp.RLock(m)
	defer db.sp.RUnlock(m)
	e, err := db.find(h, key)
	if err != nil {
		return err
	}
	if e.Type() != keyspace.String {
		return ErrWrongType
	}
	return f(e.Str())
}

// find returns the entry of a key that has not expired. Its stripe is locked.
func (db *DB) find(h uint64, key string) (keyspace.Entry, error) {
	if db.closed.Load() {
		return keyspace.Entry{}, ErrClosed
	}
	e := db.sp.Shard(0, h).Find(h, keyBytes(key))
	if at := int64(0); e.Exists() {
		if at = e.ExpireAt(); at == 0 || at > db.now().UnixMilli() {
			e.Touch()
			atomic.AddInt64(&db.reads.here().hits, 1)
			return e, nil
		}
	}
	atomic.AddInt64(&db.reads.here().misses, 1)
	return e, ErrNotFound
}

// readCounts count what was read without a session, in cells of their own for most
// goroutines, so that no cache line goes from one processor to another. Where keys
// are read without a lock the cells are counted up without atomic operations, which
// would make the processor finish one read before it begins the next: two goroutines
// with the same cell may then count as one, now and then.
type readCounts [readCells]readCell

type readCell struct {
	hits, misses int64
	_            [48]byte // a cache line of its own
}

const (
	readCellBits = 8
	readCells    = 1 << readCellBits
)

// here returns the cell of the goroutine that calls, by the place of its stack.
func (c *readCounts) here() *readCell {
	var local byte
	at := uint64(uintptr(unsafe.Pointer(&local))) >> 11 // the size of the smallest stack
	return &c[at*0x9e3779b97f4a7c15>>(64-readCellBits)]
}

// lookups returns how many keys were found, and were not, since CONFIG RESETSTAT.
// What a session has not handed in yet is missing.
func (db *DB) lookups() (hits, misses int64) {
	hits, misses = db.reads.sum()
	return hits + db.stats.hits.Load(), misses + db.stats.misses.Load()
}

// resetLookups makes them zero. The cells belong to those who read: what is in them
// is taken off.
func (db *DB) resetLookups() {
	hits, misses := db.reads.sum()
	db.stats.hits.Store(-hits)
	db.stats.misses.Store(-misses)
}

func (c *readCounts) sum() (hits, misses int64) {
	for i := range c {
		hits += atomic.LoadInt64(&c[i].hits)
		misses += atomic.LoadInt64(&c[i].misses)
	}
	return hits, misses
}
