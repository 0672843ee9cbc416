package bufpool_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/bufpool"
)

func Example() {
	var p bufpool.Bytes
	b := p.Get(4000)
	defer p.Put(b)
	fmt.Println(len(b), cap(b) <= 5000)
	// Output:
	// 4000 true
}

func ExampleBuffers() {
	var p bufpool.Buffers
	b := p.Get()
	defer p.Put(b)
	fmt.Fprintf(b, "%d bottles", 99)
	fmt.Println(b.String())
	// Output:
	// 99 bottles
}

func ExampleNew() {
	type request struct{ headers map[string]string }
	p := bufpool.New(
		func() *request { return &request{headers: map[string]string{}} },
		func(r *request) { clear(r.headers) },
	)
	r := p.Get()
	r.headers["Host"] = "example.com"
	p.Put(r)
	fmt.Println(len(p.Get().headers))
	// Output:
	// 0
}

func TestBytesSizes(t *testing.T) {
	var p bufpool.Bytes
	sizes := []int{0, 1, 31, 32, 33, 40, 41, 63, 64, 65, 1000, 1 << 20, 1<<20 + 1, 3 << 20}
	for range 300 {
		sizes = append(sizes, rand.IntN(1<<rand.IntN(22)+1))
	}
	for _, n := range sizes {
		for range 2 { // made, and perhaps kept
			b := p.Get(n)
			require.NotNil(t, b)
			require.Len(t, b, n)
			require.LessOrEqual(t, cap(b)-n, n/4, "slack of %d", n)
			p.Put(b)
		}
	}
	for _, n := range []int{-1, math.MinInt} {
		require.Panics(t, func() { p.Get(n) })
	}
}

func TestBytesTakesSlicesOfOthers(t *testing.T) {
	var p bufpool.Bytes
	for _, c := range []int{0, 1, 32, 33, 39, 40, 41, 100, 4096, 5000, 1 << 20, 1<<20 + 1} {
		p.Put(make([]byte, c/2, c))
		for n := range []int{c, c + 1, c / 2, 40} {
			b := p.Get(n)
			clear(b[:cap(b)])
			require.Len(t, b, n)
		}
	}
	p.Put(nil)
}

func TestBytesMaxSize(t *testing.T) {
	for _, most := range []int{40, 100, 1 << 26, 1 << 40} {
		p := bufpool.Bytes{MaxSize: most}
		for _, n := range []int{33, 40, 41, 100, 101, 1 << 21} {
			b := p.Get(n)
			require.Len(t, b, n)
			p.Put(b)
		}
	}
	p := bufpool.Bytes{MaxSize: 1 << 40}
	p.Put(p.Get(1 << 26)) // the largest class
	require.Len(t, p.Get(1<<26), 1<<26)
	require.Len(t, p.Get(1<<26+1), 1<<26+1)
}

// No two callers ever have the same bytes.
func TestBytesAreLentOnce(t *testing.T) {
	var p bufpool.Bytes
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 0))
			var held [][]byte
			for i := range 1000 {
				b := p.Get(33 + r.IntN(300))
				mark := byte(w*31 + i)
				for j := range b[:cap(b)] {
					b[:cap(b)][j] = mark
				}
				held = append(held, b)
				if len(held) < 8 {
					continue
				}
				at := r.IntN(len(held))
				b = held[at]
				held[at] = held[len(held)-1]
				held = held[:len(held)-1]
				if c := bytes.Count(b[:cap(b)], b[:1]); c != cap(b) {
					t.Errorf("%d of %d bytes are as written", c, cap(b))
				}
				p.Put(b)
			}
		})
	}
	wg.Wait()
}

// use uses a pool many times with sizes that next gives.
func use(p *bufpool.Buffers, n int, next func(i int) int) {
	for i := range n {
		b := p.Get()
		b.WriteString(strings.Repeat("x", next(i)))
		p.Put(b)
	}
}

// fresh returns a buffer that the pool has just made.
func fresh(p *bufpool.Buffers) *bufpool.Buffer {
	seen := map[*bufpool.Buffer]bool{}
	for range 100 {
		b := p.Get()
		if seen[b] {
			panic("lent twice")
		}
		seen[b] = true
	}
	return p.Get()
}

func TestBuffersLearnTheirSize(t *testing.T) {
	var p bufpool.Buffers
	require.Zero(t, fresh(&p).Cap())
	use(&p, 10_000, func(int) int { return 3000 })
	require.GreaterOrEqual(t, fresh(&p).Cap(), 3000)
	require.Less(t, fresh(&p).Cap(), 8193)
	use(&p, 100_000, func(int) int { return 10 })
	require.Less(t, fresh(&p).Cap(), 128, "what was needed once is unlearned")
}

func TestBuffersDropGiants(t *testing.T) {
	var p bufpool.Buffers
	use(&p, 20_000, func(i int) int {
		if i%100 == 0 {
			return 1 << 16
		}
		return 500
	})
	giant := p.Get()
	giant.Grow(1 << 16)
	p.Put(giant)
	for range 1000 {
		require.Less(t, p.Get().Cap(), 1<<16)
	}
	use(&p, 10_000, func(int) int { return 1 << 14 }) // now that is the normal size
	kept := false
	for range 1000 { // sync.Pool drops some at random under the race detector
		b := p.Get()
		kept = kept || b.Cap() >= 1<<14
		b.Grow(1 << 14)
		p.Put(b)
	}
	require.True(t, kept)
}

func TestBuffersAreEmptyAndLentOnce(t *testing.T) {
	var p bufpool.Buffers
	p.Put(nil)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				b := p.Get()
				if b.Len() != 0 {
					t.Error("not empty")
				}
				text := strings.Repeat(string(rune('a'+w)), i%100)
				b.WriteString(text)
				if b.String() != text {
					t.Error("lent twice")
				}
				p.Put(b)
			}
		})
	}
	wg.Wait()
}

func TestPool(t *testing.T) {
	made := 0
	p := bufpool.New(func() *[]int { made++; s := make([]int, 0, 10); return &s }, func(s *[]int) { *s = (*s)[:0] })
	p.Put(nil)
	for range 100 {
		s := p.Get()
		require.Empty(t, *s)
		*s = append(*s, 1, 2, 3)
		p.Put(s)
	}
	require.Less(t, made, 100)
	require.Zero(t, *bufpool.New[int](nil, nil).Get())
}

func BenchmarkBytes(b *testing.B) {
	var p bufpool.Bytes
	b.ReportAllocs()
	for b.Loop() {
		p.Put(p.Get(1000))
	}
}

func BenchmarkBuffers(b *testing.B) {
	var p bufpool.Buffers
	b.ReportAllocs()
	for b.Loop() {
		p.Put(p.Get())
	}
}
