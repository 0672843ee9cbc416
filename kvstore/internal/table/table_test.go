package table

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// hashes are good ones, and bad ones that fill the overflow groups.
func hashes() map[string]func([]byte) uint64 {
	seed := maphash.MakeSeed()
	good := func(k []byte) uint64 { return maphash.Bytes(seed, k) }
	return map[string]func([]byte) uint64{
		"good":    good,
		"few":     func(k []byte) uint64 { return good(k) & (0xf << 60) },
		"one tag": func(k []byte) uint64 { return good(k) &^ 0xffff },
	}
}

func value(rnd *rand.Rand) []byte {
	n := rnd.IntN(40)
	switch rnd.IntN(50) {
	case 0:
		n = 240 + rnd.IntN(30)
	case 1:
		n = rnd.IntN(12 << 10)
	case 2:
		n = 8150 + rnd.IntN(60)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func check(t *testing.T, tab *Table, model map[string][]byte) {
	t.Helper()
	require.Equal(t, len(model), tab.Len())
	seen := 0
	tab.Each(func(r Ref) bool {
		want, ok := model[string(tab.Key(r))]
		require.True(t, ok)
		require.Equal(t, string(want), string(tab.Value(r)))
		seen++
		return true
	})
	require.Equal(t, len(model), seen, "each record is seen once")
}

func TestAgainstMap(t *testing.T) {
	for name, hash := range hashes() {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Log("seed", seed)
			rnd := rand.New(rand.NewPCG(seed, 1))
			tab, model := New(hash, &Pool{}), make(map[string][]byte)
			span := 3000
			for step := range 60_000 {
				if step%15_000 == 14_000 {
					span = 10 // mostly deletes from here on
				}
				if step%15_000 == 0 {
					span = 3000
				}
				key := fmt.Sprint("k", rnd.IntN(3000))
				if rnd.IntN(100) == 0 {
					key += string(make([]byte, 250+rnd.IntN(10)))
				}
				k := []byte(key)
				h := tab.Hash(k)
				r := tab.Find(h, k)
				old, ok := model[key]
				require.Equal(t, ok, r != 0)
				if ok {
					require.Equal(t, string(old), string(tab.Value(r)))
					require.Equal(t, uint32(len(old)), tab.Meta(r))
				}
				v := value(rnd)
				switch {
				case rnd.IntN(3000) > span, ok && rnd.IntN(3) == 0:
					if ok {
						tab.Delete(h, r)
						delete(model, key)
					}
				case ok:
					r = tab.Resize(h, r, len(v))
					kept := min(len(v), len(old))
					require.Equal(t, string(old[:kept]), string(tab.Value(r)[:kept]))
					copy(tab.Value(r), v)
					tab.SetMeta(r, uint32(len(v)))
					model[key] = v
				default:
					copy(tab.Value(tab.Insert(h, k, uint32(len(v)), len(v))), v)
					model[key] = v
				}
				if step%5000 == 0 {
					check(t, tab, model)
				}
				if step%7000 == 6999 {
					tab.Compact()
					check(t, tab, model)
					require.Less(t, tab.slab.bytes(), 2*tab.live+2*chunkSize)
				}
			}
			check(t, tab, model)
			if r := tab.Random(); len(model) > 0 {
				require.Contains(t, model, string(tab.Key(r)))
			}
		})
	}
}

func TestScanSeesWhatStays(t *testing.T) {
	hash := hashes()["good"]
	for _, grow := range []bool{true, false} {
		tab := New(hash, &Pool{})
		put := func(i int) {
			var k [8]byte
			binary.LittleEndian.PutUint64(k[:], uint64(i))
			tab.Insert(hash(k[:]), k[:], 0, 0)
		}
		n := 5000
		for i := range n {
			put(i)
		}
		stay := 100
		seen := make(map[int]bool)
		next := n
		for pos := uint64(0); ; {
			pos = tab.Scan(pos, func(r Ref) bool {
				seen[int(binary.LittleEndian.Uint64(tab.Key(r)))] = true
				return true
			})
			if pos == 0 {
				break
			}
			for range 20 {
				if grow {
					put(next)
					next++
				} else if n > stay {
					n--
					var k [8]byte
					binary.LittleEndian.PutUint64(k[:], uint64(n))
					tab.Delete(hash(k[:]), tab.Find(hash(k[:]), k[:]))
				}
			}
		}
		for i := range stay {
			require.True(t, seen[i], "key %d, grow %v", i, grow)
		}
	}
}

func TestClasses(t *testing.T) {
	last := 0
	for n := 1; n <= maxBlock; n++ {
		c, size := classOf(n)
		require.GreaterOrEqual(t, size, n)
		require.LessOrEqual(t, size, n+n/8+8)
		require.Equal(t, size, classSize(c), "n %d class %d", n, c)
		require.Less(t, c, classes)
		require.True(t, c == last || c == last+1)
		last = c
	}
}

func BenchmarkFind(b *testing.B) {
	hash := hashes()["good"]
	tab := New(hash, &Pool{})
	const n = 1 << 20
	var k [16]byte
	for i := range n {
		binary.LittleEndian.PutUint64(k[:], uint64(i))
		tab.Insert(hash(k[:]), k[:], 0, 32)
	}
	b.ReportMetric(float64(tab.Bytes())/n, "B/record")
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ResetTimer()
	for b.Loop() {
		binary.LittleEndian.PutUint64(k[:], rnd.Uint64N(n))
		if tab.Find(hash(k[:]), k[:]) == 0 {
			b.Fatal("lost")
		}
	}
}
