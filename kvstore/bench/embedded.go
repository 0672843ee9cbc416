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

	"github.com/cockroachdb/pebble/v2"
	"github.com/dgraph-io/badger/v4"
	"github.com/maypok86/otter/v2"
	"github.com/puzpuzpuz/xsync/v4"
	"github.com/tidwall/buntdb"
	bolt "go.etcd.io/bbolt"

	"github.com/groundwork-go/groundwork/kvstore"
)

// A store is a contender of the embedded workloads. get looks at a value, since some
// only lend it.
type store struct {
	name string
	get  func(key string, buf []byte) int // the length of the value; buf has room for it
	set  func(key string, value []byte)
	end  func()
}

var errNone = errors.New("no such key")

func embedded(s *settings) []store {
	db, err := kvstore.Open("", nil)
	check(err)
	bunt, err := buntdb.Open(":memory:")
	check(err)
	var mu sync.RWMutex
	plain := make(map[string][]byte)
	var synced sync.Map
	x := xsync.NewMap[string, []byte]()
	cache := otter.Must(&otter.Options[string, []byte]{})
	list := []store{
		{"kvstore AppendGet", func(k string, buf []byte) int {
			v, _ := db.AppendGet(buf, k) // an error leaves it empty
			return len(v)
		}, func(k string, v []byte) { check(db.Set(k, v, nil)) }, func() { check(db.Close()) }},
		{"kvstore GetView", func(k string, _ []byte) int {
			n := -1
			_ = db.GetView(k, func(v []byte) error { n = len(v); return nil }) // n tells
			return n
		}, func(k string, v []byte) { check(db.Set(k, v, nil)) }, func() {}},
		{"map + RWMutex", func(k string, _ []byte) int {
			mu.RLock()
			v := plain[k]
			mu.RUnlock()
			return len(v)
		}, func(k string, v []byte) {
			v = append([]byte(nil), v...)
			mu.Lock()
			plain[k] = v
			mu.Unlock()
		}, func() {}},
		{"sync.Map", func(k string, _ []byte) int {
			v, _ := synced.Load(k)
			return len(v.([]byte))
		}, func(k string, v []byte) { synced.Store(k, append([]byte(nil), v...)) }, func() {}},
		{"xsync.Map", func(k string, _ []byte) int {
			v, _ := x.Load(k)
			return len(v)
		}, func(k string, v []byte) { x.Store(k, append([]byte(nil), v...)) }, func() {}},
		{"otter", func(k string, _ []byte) int {
			v, _ := cache.GetIfPresent(k)
			return len(v)
		}, func(k string, v []byte) { cache.Set(k, append([]byte(nil), v...)) }, func() {}},
		{"buntdb", func(k string, _ []byte) int {
			n := -1
			check(bunt.View(func(tx *buntdb.Tx) error {
				v, err := tx.Get(k)
				n = len(v)
				return err
			}))
			return n
		}, func(k string, v []byte) {
			check(bunt.Update(func(tx *buntdb.Tx) error {
				_, _, err := tx.Set(k, string(v), nil)
				return err
			}))
		}, func() { check(bunt.Close()) }},
	}
	var some []store
	for _, st := range list {
		if s.who.MatchString(st.name) {
			some = append(some, st)
		}
	}
	return some
}

// benchEmbedded reads and writes random keys, of which so many percent are writes,
// on a goroutine per processor.
func benchEmbedded(s *settings, writes int) {
	stores := embedded(s)
	keys := make([]string, s.keys)
	value := make([]byte, 32)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%012d", i)
	}
	cpu := make([][]float64, len(stores))
	wall := make([][]float64, len(stores))
	allocs := make([]float64, len(stores))
	for i, st := range stores {
		if i > 0 && stores[i-1].name == "kvstore AppendGet" && st.name == "kvstore GetView" {
			continue // they are the same store
		}
		for _, k := range keys {
			st.set(k, value)
		}
	}
	for range s.rounds {
		for i, st := range stores {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, begin := cpuTime(), time.Now()
			n := parallel(s.share, func(r *rand.Rand, buf []byte) {
				k := keys[r.IntN(len(keys))]
				if writes > 0 && r.IntN(100) < writes {
					st.set(k, value)
				} else if st.get(k, buf) != len(value) {
					check(errNone)
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

// parallel calls op on a goroutine per processor for some time and returns how
// often it did.
func parallel(d time.Duration, op func(r *rand.Rand, buf []byte)) int64 {
	var stop atomic.Bool
	var total atomic.Int64
	var wg sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			buf := make([]byte, 0, 64)
			n := int64(0)
			for !stop.Load() {
				for range 100 {
					op(r, buf)
				}
				n += 100
			}
			total.Add(n)
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
	n := parallel(5*s.share, func(r *rand.Rand, _ []byte) {
		check(db.Set(fmt.Sprintf("key:%012d", r.IntN(10*s.keys)), value, nil))
	})
	runtime.ReadMemStats(&after)
	fmt.Printf("a collection takes %v; during %d writes: %d collections, %.3f %% of CPU in all\n",
		one, n, after.NumGC-before.NumGC, 100*after.GCCPUFraction)
	check(db.Close())
}
