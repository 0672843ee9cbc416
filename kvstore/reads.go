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
func (db *DB) AppendGet(dst []byte, key string) ([]byte, error) {
	// A processor that waits for memory goes on with what comes after in the program as
	// long as it has room to remember it, which is for about three hundred instructions:
	// look-ups that begin within them wait at the same time. So the way of a short key
	// and value is as short as can be, without a call, so that nothing need be saved
	// from registers (BenchmarkParallel: half of the time), and a hint is tried before
	// the index. view goes the same way.
	if keyspace.Optimistic && uint(len(key)-8) <= 8 {
		var r *table.Record
		var ref table.Ref
		sp, k := db.sp, unsafe.Pointer(unsafe.StringData(key))
		h := sp.HashShort(k, len(key))
		st := sp.Stripe(h)
		version, l := st.Version(), st.Layout()
		if l.Placed() {
			if r = l.Guess(h); r.Has(k, len(key)) {
				goto found
			}
		}
		if ref = l.Group(h).First(h); !l.Holds(ref) {
			goto slow
		}
		if r = l.Record(ref); !r.Has(k, len(key)) {
			goto slow
		}
	found:
		if n, size := uint(len(dst)), r.Size(); sp.Fresh(r.Meta()) && size >= 8 && size <= uint(cap(dst))-n {
			copyWords(unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), n), r.Value(len(key)), size)
			if st.Stayed(version) {
				db.reads.here().hits++
				return dst[:n+size], nil
			}
		}
	}
slow:
	return db.appendSlow(dst, key)
}

// copyWords copies n bytes, at least 8.
//
//go:nosplit
func copyWords(to, from unsafe.Pointer, n uint) {
	toEnd, fromEnd := unsafe.Add(to, n), unsafe.Add(from, n)
	if n < 16 {
		x, y := *(*uint64)(from), *(*uint64)(unsafe.Add(fromEnd, -8))
		*(*uint64)(to), *(*uint64)(unsafe.Add(toEnd, -8)) = x, y
		return
	}
	*(*[16]byte)(to) = *(*[16]byte)(from)
	for i := uint(16); i+16 < n; i += 16 {
		*(*[16]byte)(unsafe.Add(to, i)) = *(*[16]byte)(unsafe.Add(from, i))
	}
	*(*[16]byte)(unsafe.Add(toEnd, -16)) = *(*[16]byte)(unsafe.Add(fromEnd, -16))
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
	if err := db.ready(); err != nil {
		return dst, err
	}
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
func (db *DB) GetView(key string, f func(v []byte) error) error { return db.view(key, f) }

// viewSlow is for all keys and values.
func (db *DB) viewSlow(key string, f func(v []byte) error) error {
	h := db.sp.HashString(key)
	b := db.views.get()
	v, how := db.glance(b.data[:0], h, key, len(b.data))
	var err error
	switch how {
	case hit:
		err = f(v)
	case miss:
		err = ErrNotFound
	}
	db.views.put(b)
	if how == locked {
		return db.viewLocked(h, key, f)
	}
	return err
}

func (db *DB) viewLocked(h uint64, key string, f func(v []byte) error) error {
	if err := db.ready(); err != nil {
		return err
	}
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
	hits += db.views.hits()
	return hits + db.stats.hits.Load(), misses + db.stats.misses.Load()
}

// resetLookups makes them zero. The cells belong to those who read: what is in them
// is taken off.
func (db *DB) resetLookups() {
	hits, misses := db.reads.sum()
	db.stats.hits.Store(-hits - db.views.hits())
	db.stats.misses.Store(-misses)
}

func (c *readCounts) sum() (hits, misses int64) {
	for i := range c {
		hits += atomic.LoadInt64(&c[i].hits)
		misses += atomic.LoadInt64(&c[i].misses)
	}
	return hits, misses
}
