package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"
	"github.com/dgraph-io/badger/v4"
	"github.com/maypok86/otter/v2"
	"github.com/puzpuzpuz/xsync/v4"
	"github.com/tidwall/buntdb"
	bolt "go.etcd.io/bbolt"

	"github.com/groundwork-go/groundwork/kvstore"
)

// A store is a contender of the embedded workloads. get appends the value to buf. gets
// and views use all keys, as a program would that calls the store itself, and return
// how many values they found: gets appends each to buf, views looks at the first and
// the last byte of each where it lies.
type store struct {
	name  string
	get   func(key string, buf []byte) []byte
	gets  func(keys []string, buf []byte) int
	views func(keys []string) int
	set   func(key string, value []byte)
	end   func()
}

var errNone = errors.New("no such key")

// seen looks at a value, which is of zeros, and returns 1 if there is one.
func seen(v []byte) int {
	if len(v) == 0 || v[0]|v[len(v)-1] != 0 {
		return 0
	}
	return 1
}

// full returns 1 if the value was appended.
func full(v []byte) int {
	if len(v) == 0 {
		return 0
	}
	return 1
}

func embedded(s *settings) []store {
	var list []store
	add := func(name string, open func() store) {
		if s.who.MatchString(name) {
			st := open()
			st.name = name
			list = append(list, st)
		}
	}
	add("kvstore", func() store { return openOurs(nil) })
	add("kvstore, FastReads", func() store { return openOurs(&kvstore.Options{FastReads: true}) })
	add("map + RWMutex", openMap)
	add("sync.Map", openSyncMap)
	add("xsync.Map", openXsync)
	add("otter", openOtter)
	add("buntdb", openBunt)
	return list
}

func openOurs(o *kvstore.Options) store {
	db, err := kvstore.Open("", o)
	check(err)
	return store{
		get: func(k string, buf []byte) []byte {
			v, _ := db.AppendGet(buf, k) // an error leaves v empty, which is found out
			return v
		},
		gets: func(keys []string, buf []byte) (n int) {
			for _, k := range keys {
				v, _ := db.AppendGet(buf, k) // likewise
				n += full(v)
			}
			return n
		},
		views: func(keys []string) (n int) {
			for _, k := range keys {
				_ = db.GetView(k, func(v []byte) error { n += seen(v); return nil }) // n tells
			}
			return n
		},
		set: func(k string, v []byte) { check(db.Set(k, v, nil)) },
		end: func() { check(db.Close()) },
	}
}

func openMap() store {
	var mu sync.RWMutex
	m := make(map[string][]byte)
	load := func(k string) []byte {
		mu.RLock()
		v := m[k]
		mu.RUnlock()
		return v // a value is replaced, never written to
	}
	return store{
		get: func(k string, buf []byte) []byte { return append(buf, load(k)...) },
		gets: func(keys []string, buf []byte) (n int) {
			for _, k := range keys {
				mu.RLock()
				v := m[k]
				mu.RUnlock()
				n += full(append(buf, v...))
			}
			return n
		},
		views: func(keys []string) (n int) {
			for _, k := range keys {
				mu.RLock()
				v := m[k]
				mu.RUnlock()
				n += seen(v)
			}
			return n
		},
		set: func(k string, v []byte) {
			v = append([]byte(nil), v...)
			mu.Lock()
			m[k] = v
			mu.Unlock()
		},
		end: func() {},
	}
}

func openSyncMap() store {
	var m sync.Map
	load := func(k string) []byte {
		v, _ := m.Load(k)
		return v.([]byte)
	}
	return others(load, func(k string, v []byte) { m.Store(k, append([]byte(nil), v...)) })
}

func openXsync() store {
	m := xsync.NewMap[string, []byte]()
	load := func(k string) []byte {
		v, _ := m.Load(k)
		return v
	}
	s := others(load, func(k string, v []byte) { m.Store(k, append([]byte(nil), v...)) })
	s.gets = func(keys []string, buf []byte) (n int) {
		for _, k := range keys {
			v, _ := m.Load(k)
			n += full(append(buf, v...))
		}
		return n
	}
	s.views = func(keys []string) (n int) {
		for _, k := range keys {
			v, _ := m.Load(k)
			n += seen(v)
		}
		return n
	}
	return s
}

func openOtter() store {
	c := otter.Must(&otter.Options[string, []byte]{})
	load := func(k string) []byte {
		v, _ := c.GetIfPresent(k)
		return v
	}
	return others(load, func(k string, v []byte) { c.Set(k, append([]byte(nil), v...)) })
}

// others is a store that loads values which nobody writes to.
func others(load func(string) []byte, set func(string, []byte)) store {
	return store{
		get: func(k string, buf []byte) []byte { return append(buf, load(k)...) },
		gets: func(keys []string, buf []byte) (n int) {
			for _, k := range keys {
				n += full(append(buf, load(k)...))
			}
			return n
		},
		views: func(keys []string) (n int) {
			for _, k := range keys {
				n += seen(load(k))
			}
			return n
		},
		set: set,
		end: func() {},
	}
}

func openBunt() store {
	db, err := buntdb.Open(":memory:")
	check(err)
	load := func(k string) (v []byte) {
		check(db.View(func(tx *buntdb.Tx) error {
			s, err := tx.Get(k)
			v = unsafe.Slice(unsafe.StringData(s), len(s))
			return err
		}))
		return v
	}
	s := others(load, func(k string, v []byte) {
		check(db.Update(func(tx *buntdb.Tx) error {
			_, _, err := tx.Set(k, string(v), nil)
			return err
		}))
	})
	s.end = func() { check(db.Close()) }
	return s
}

// A mix is an embedded workload.
type mix struct {
	writes int  // percent
	view   bool // reads look at values, where the others copy them
	listed bool // keys come from the list that the stores were filled from
}

// benchEmbedded reads and writes random keys on a goroutine per processor.
//
// The keys of each goroutine were drawn before, and lie in memory in the order in
// which they are used: a program that looks a key up has just read it somewhere, so
// it is in the processor's cache, and it is not the string that was stored. With
// listed the keys are picked by chance from the list that the stores were filled
// from: then most of the time goes into the list, and a store that keeps the very
// strings it was given need not read them to know that they are equal.
func benchEmbedded(s *settings, m mix) {
	stores := embedded(s)
	value := make([]byte, 32)
	keys := make([]string, s.keys)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%012d", i)
	}
	fillAll(stores, keys, value)
	next := drawn(keys)
	if m.listed {
		next = picked(keys)
	} else {
		keys = nil
	}
	cpu := make([][]float64, len(stores))
	wall := make([][]float64, len(stores))
	allocs := make([]float64, len(stores))
	for range s.rounds {
		for i, st := range stores {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, begin := cpuTime(), time.Now()
			n := parallel(s.share, func(w int) func() int {
				next, r, buf := next(w), rand.New(rand.NewPCG(uint64(w), 1)), make([]byte, 0, 64)
				return func() int {
					keys := next()
					m.run(st, keys, value, r, buf)
					return len(keys)
				}
			})
			c, w := cpuTime()-c, time.Since(begin)
			runtime.ReadMemStats(&after)
			cpu[i] = append(cpu[i], float64(c)/float64(n))
			wall[i] = append(wall[i], float64(w)/float64(n))
			allocs[i] = float64(after.Mallocs-before.Mallocs) / float64(n)
		}
	}
	table("who\tCPU ns\tours / its\twall ns\tallocs", func(print func(string, ...any)) {
		ours := median(cpu[0])
		for i, st := range stores {
			print("%s\t%.0f\t%.2f\t%.0f\t%.2f", st.name, median(cpu[i]), ours/median(cpu[i]), median(wall[i]), allocs[i])
		}
	})
	for _, st := range stores {
		st.end()
	}
}

// run uses keys one after the other.
func (m mix) run(st store, keys []string, value []byte, r *rand.Rand, buf []byte) {
	switch {
	case m.writes > 0:
		for _, k := range keys {
			if r.IntN(100) < m.writes {
				st.set(k, value)
			} else if len(st.get(k, buf)) != len(value) {
				check(errNone)
			}
		}
	case m.view:
		if st.views(keys) != len(keys) {
			check(errNone)
		}
	default:
		if st.gets(keys, buf) != len(keys) {
			check(errNone)
		}
	}
}

// fillAll stores a value under each key.
func fillAll(stores []store, keys []string, value []byte) {
	for _, st := range stores {
		for _, k := range keys {
			st.set(k, value)
		}
	}
}

// drawn returns for each goroutine a function that goes round through so many keys by
// chance, some at a time.
func drawn(keys []string) func(w int) func() []string {
	lists := make([][]string, runtime.GOMAXPROCS(0))
	for w := range lists {
		r := rand.New(rand.NewPCG(uint64(w), 3))
		text := make([]byte, 0, len(keys[0])*len(keys))
		for range keys {
			text = append(text, keys[r.IntN(len(keys))]...)
		}
		all, size := string(text), len(keys[0])
		for at := 0; at < len(all); at += size {
			lists[w] = append(lists[w], all[at:at+size])
		}
	}
	return func(w int) func() []string {
		list, i := lists[w], 0
		return func() []string {
			if i == len(list) {
				i = 0
			}
			from := i
			i = min(i+batch, len(list))
			return list[from:i]
		}
	}
}

// picked returns for each goroutine a function that picks keys by chance.
func picked(keys []string) func(w int) func() []string {
	return func(w int) func() []string {
		r := rand.New(rand.NewPCG(uint64(w), 1))
		some := make([]string, batch)
		return func() []string {
			for i := range some {
				some[i] = keys[r.IntN(len(keys))]
			}
			return some
		}
	}
}

const batch = 100

// parallel calls operations on a goroutine per processor for some time and returns
// how many there were. begin makes the function of a goroutine, which returns how
// many it has done.
func parallel(d time.Duration, begin func(w int) func() int) int64 {
	var stop atomic.Bool
	var total atomic.Int64
	var wg sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			some := begin(w)
			n := 0
			for !stop.Load() {
				n += some()
			}
			total.Add(int64(n))
		})
	}
	time.Sleep(d)
	stop.Store(true)
	wg.Wait()
	return total.Load()
}

// benchDurable writes from 64 goroutines, each write on disk before the next.
func benchDurable(s *settings) {
	value := make([]byte, 32)
	dir := s.tempDir("durable")
	defer os.RemoveAll(dir)
	db, err := kvstore.Open(filepath.Join(dir, "kvstore"), &kvstore.Options{Fsync: kvstore.FsyncAlways})
	check(err)
	peb, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{Logger: quiet{}})
	check(err)
	bdb, err := bolt.Open(filepath.Join(dir, "bbolt"), 0o600, nil)
	check(err)
	check(bdb.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	}))
	bad, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "badger")).WithSyncWrites(true).WithLogger(nil))
	check(err)
	contenders := []struct {
		name string
		set  func(key string)
		end  func() error
	}{
		{"kvstore", func(k string) { check(db.Set(k, value, nil)) }, db.Close},
		{"pebble Sync", func(k string) { check(peb.Set([]byte(k), value, pebble.Sync)) }, peb.Close},
		{"bbolt Batch", func(k string) {
			check(bdb.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte(k), value) }))
		}, bdb.Close},
		{"badger SyncWrites", func(k string) {
			check(bad.Update(func(tx *badger.Txn) error { return tx.Set([]byte(k), value) }))
		}, bad.Close},
	}
	wall := make([][]float64, len(contenders))
	cpu := make([][]float64, len(contenders))
	for range s.rounds {
		for i, c := range contenders {
			used, begin := cpuTime(), time.Now()
			var n atomic.Int64
			var wg sync.WaitGroup
			for w := range 64 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(w), 2))
					for time.Since(begin) < s.share {
						c.set(fmt.Sprintf("key:%012d", r.IntN(s.keys)))
						n.Add(1)
					}
				})
			}
			wg.Wait()
			wall[i] = append(wall[i], float64(time.Since(begin).Nanoseconds())/float64(n.Load()))
			cpu[i] = append(cpu[i], float64(cpuTime()-used)/float64(n.Load()))
		}
	}
	table("who\twall us per write\tours / its\tCPU us", func(print func(string, ...any)) {
		ours := median(wall[0])
		for i, c := range contenders {
			print("%s\t%.2f\t%.2f\t%.2f", c.name, median(wall[i])/1000, ours/median(wall[i]), median(cpu[i])/1000)
		}
	})
	for _, c := range contenders {
		check(c.end())
	}
}

// quiet is a logger for pebble.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, a ...any) {
	check(fmt.Errorf(f, a...))
}

// benchCollector measures what Go's collector does while there are ten million keys
// and others are written.
func benchCollector(s *settings) {
	db, err := kvstore.Open("", nil)
	check(err)
	value := make([]byte, 32)
	key := make([]byte, 0, 16)
	for i := range 10 * s.keys {
		key = fmt.Appendf(key[:0], "key:%012d", i)
		check(db.Set(string(key), value, nil))
	}
	runtime.GC()
	begin := time.Now()
	runtime.GC()
	one := time.Since(begin)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	debug.FreeOSMemory()
	n := parallel(5*s.share, func(w int) func() int {
		r := rand.New(rand.NewPCG(uint64(w), 1))
		return func() int {
			check(db.Set(fmt.Sprintf("key:%012d", r.IntN(10*s.keys)), value, nil))
			return 1
		}
	})
	runtime.ReadMemStats(&after)
	fmt.Printf("a collection takes %v; during %d writes: %d collections, %.3f %% of CPU in all\n",
		one, n, after.NumGC-before.NumGC, 100*after.GCCPUFraction)
	check(db.Close())
}
