package kvstore_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/groundwork-go/groundwork/kvstore"
)

const benchKeys = 1 << 20

func benchNames() []string {
	names := make([]string, benchKeys)
	for i := range names {
		names[i] = fmt.Sprintf("key:%012d", i)
	}
	return names
}

// BenchmarkParallel is about many goroutines on a million keys, beside a map with a
// lock. Further peers are in bench.
func BenchmarkParallel(b *testing.B) {
	names := benchNames()
	value := make([]byte, 32)
	db, err := kvstore.Open("", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var mu sync.RWMutex
	m := make(map[string][]byte)
	for _, k := range names {
		if err := db.Set(k, value, nil); err != nil {
			b.Fatal(err)
		}
		m[k] = append([]byte(nil), value...)
	}
	b.Logf("%.1f bytes per key", float64(db.Stats().Bytes)/benchKeys)
	run := func(name string, f func(key string, buf *[]byte)) {
		b.Run(name, func(b *testing.B) {
			runtime.GC()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := rand.New(rand.NewPCG(rand.Uint64(), 1))
				buf := make([]byte, 0, 64)
				for pb.Next() {
					f(names[r.IntN(benchKeys)], &buf)
				}
			})
		})
	}
	run("AppendGet", func(key string, buf *[]byte) { *buf, _ = db.AppendGet((*buf)[:0], key) })
	view := func([]byte) error { return nil }
	run("GetView", func(key string, _ *[]byte) { _ = db.GetView(key, view) })
	run("Set", func(key string, _ *[]byte) { _ = db.Set(key, value, nil) })
	run("map/Get", func(key string, buf *[]byte) {
		mu.RLock()
		*buf = append((*buf)[:0], m[key]...)
		mu.RUnlock()
	})
	run("map/Set", func(key string, _ *[]byte) {
		v := append([]byte(nil), value...)
		mu.Lock()
		m[key] = v
		mu.Unlock()
	})
}
