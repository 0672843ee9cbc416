//go:build gc && !race && !pool_portable

package bufpool_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/bufpool"
)

// kept tells whether the pool holds on to b where no collection takes it.
func kept(p *bufpool.Bytes, b []byte) bool {
	first, size := unsafe.SliceData(b), cap(b)
	p.Put(b)
	runtime.GC() // what sync.Pool holds is gone after the second one
	runtime.GC()
	return unsafe.SliceData(p.Get(size)) == first
}

func TestFront(t *testing.T) {
	for name, c := range map[string]struct {
		most  int
		size  int
		wants bool
	}{
		"a small one":             {size: 100, wants: true},
		"the largest":             {size: 32 << 10, wants: true},
		"too large for the front": {size: 32<<10 + 1},
		"too small for any":       {size: 32},
		"the least":               {size: 33, wants: true},
		"below MaxSize":           {most: 101, size: 100, wants: true},
		"above MaxSize":           {most: 99, size: 100},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p := &bufpool.Bytes{MaxSize: c.most}
			p.Put(make([]byte, 64)) // the thread gets its place
			require.Equal(t, c.wants, kept(p, make([]byte, c.size)))
		})
	}
}

func TestFrontGivesWay(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var p bufpool.Bytes
	p.Put(make([]byte, 64))
	require.True(t, kept(&p, make([]byte, 100)))
	p.Put(make([]byte, 100)) // and nobody asks for it any more
	for range 16 {
		require.False(t, kept(&p, make([]byte, 5000)))
	}
	require.True(t, kept(&p, make([]byte, 5000)))
}
