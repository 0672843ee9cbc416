package table

import (
	"bytes"
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
	n := rnd.IntN(60)
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
	checkLines(t, tab)
}

func TestAgainstMap(t *testing.T) {
	for name, hash := range hashes() {
		t.Run(name, func(t *testing.T) { testAgainstMap(t, hash, false) })
		t.Run(name+" placed", func(t *testing.T) { testAgainstMap(t, hash, true) })
	}
}

func testAgainstMap(t *testing.T, hash func([]byte) uint64, placed bool) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	tab, model := New(hash, &Pool{}), make(map[string][]byte)
	if placed {
		tab.Place()
	}
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
		if rnd.IntN(20) == 0 {
			tab.Settle(rnd.IntN(300))
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
		require.LessOrEqual(t, size, n+n/8+9)
		require.Equal(t, size, classSize(c), "n %d class %d", n, c)
		require.Less(t, c, classes)
		require.True(t, c == last || c == last+1 || c == last+2 && size == cacheLine)
		last = c
	}
}

// TestBlocks takes blocks and gives them back, and checks that no two overlap, that they
// begin where they should, and that little is lost.
func TestBlocks(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	type block struct {
		r    Ref
		n    int
		mark byte
	}
	for _, most := range []int{40, 64, 300, maxBlock} {
		s := slab{pool: &Pool{}}
		var blocks []block
		live := 0
		for step := range 30_000 {
			if grow := 4 - step/10_000; len(blocks) > 0 && rnd.IntN(5) >= grow {
				i := rnd.IntN(len(blocks))
				b := blocks[i]
				if n := bytes.Count(s.block(b.r)[:b.n], []byte{b.mark}); n != b.n {
					t.Fatalf("block %d has %d of its %d bytes", b.r, n, b.n)
				}
				s.release(b.r, b.n)
				_, size := classOf(b.n)
				live -= size
				blocks[i] = blocks[len(blocks)-1]
				blocks = blocks[:len(blocks)-1]
				continue
			}
			n := 1 + rnd.IntN(most)
			r, b := s.alloc(n)
			require.NotZero(t, r)
			_, size := classOf(n)
			live += size
			if int(r)<<unitBits%alignOf(size) != 0 {
				t.Fatalf("block %d has %d bytes", r, size)
			}
			mark := byte(rnd.Uint32())
			for i := range n {
				b[i] = mark
			}
			blocks = append(blocks, block{r, n, mark})
		}
		taken := (len(s.chunks)-1)*chunkSize + s.used
		require.Equal(t, taken-8, live+s.freeBytes, "blocks of at most %d", most)
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

// TestPool has runs of all lengths taken and given back, and checks that no two overlap.
func TestPool(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var p Pool
	var chunks [][]byte
	var groups [][]group
	for step := range 3000 {
		switch r.IntN(4) {
		case 0:
			c, _ := p.get()
			chunks = append(chunks, c)
		case 1:
			g := p.groups(uint(8 + r.IntN(6)))
			for i := range g {
				if g[i] != (group{}) {
					t.Fatalf("group %d of a new run is %v", i, g[i])
				}
			}
			groups = append(groups, g)
		case 2:
			if n := len(chunks); n > 0 {
				i := r.IntN(n)
				p.put(chunks[i : i+1])
				chunks[i] = chunks[n-1]
				chunks = chunks[:n-1]
			}
		case 3:
			if n := len(groups); n > 0 {
				i := r.IntN(n)
				p.putGroups(groups[i])
				groups[i] = groups[n-1]
				groups = groups[:n-1]
			}
		}
		if step%50 == 0 {
			for i, c := range chunks {
				require.Len(t, c, chunkSize)
				binary.LittleEndian.PutUint64(c, uint64(i))
				binary.LittleEndian.PutUint64(c[chunkSize-8:], uint64(i))
			}
			for i, g := range groups {
				for j := range g {
					g[j].even, g[j].odd = uint64(i), ^uint64(i)
				}
			}
			for i, c := range chunks {
				require.EqualValues(t, i, binary.LittleEndian.Uint64(c))
				require.EqualValues(t, i, binary.LittleEndian.Uint64(c[chunkSize-8:]))
			}
			for i, g := range groups {
				for j := range g {
					if g[j].odd != ^uint64(i) {
						t.Fatalf("run %d has what was written to run %d", i, ^g[j].odd)
					}
				}
			}
		}
	}
}
