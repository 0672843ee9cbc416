package bufpool

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"
)

const (
	smallest = 32      // up to here make is as fast
	largest  = 1 << 26 // of the classes
	classes  = (26 - 5) * 4
)

// Bytes keeps byte slices by size. The zero value is ready; it must not be copied
// after its first use. All methods may be called concurrently.
type Bytes struct {
	// MaxSize is the largest slice that is kept: larger ones come from make, and
	// are dropped by Put. Zero means 1 MiB, and more than 64 MiB means that. It
	// must not change after the first use.
	MaxSize int

	front front
	// by class; what is kept is a pointer to the first of as many bytes as the
	// class has: an interface that holds a pointer needs no allocation, one that
	// holds a slice does. pool/bench, "sync.Pool of slices".
	kept [classes]sync.Pool
}

// classOf returns the smallest class for n bytes, from smallest+1 to largest, and
// its size. There are four classes to each doubling, 5, 6, 7 and 8 times a power of
// two, so that a class is less than a quarter larger than what is asked for.
func classOf(n int) (class, size int) {
	m := uint(n - 1)
	shift := uint(bits.Len(m)-3) & 63 // the mask saves a comparison
	quarter := m >> shift             // 4 to 7
	return int(shift-3)*4 + int(quarter-4), int((quarter + 1) << shift)
}

// get is Get without the front.
func (p *Bytes) get(n int) []byte {
	if n <= smallest || n > p.maxSize() {
		if n < 0 {
			panic(fmt.Sprintf("bufpool: Get of %d bytes", n))
		}
		return make([]byte, n)
	}
	class, size := classOf(n)
	if first, ok := p.kept[class].Get().(*byte); ok {
		return unsafe.Slice(first, size)[:n]
	}
	return make([]byte, n, size)
}

// put is Put without the front.
func (p *Bytes) put(b []byte) {
	c := cap(b)
	if c <= smallest || c > p.maxSize() {
		return
	}
	above, _ := classOf(c + 1)
	if above > 0 { // else it has less than the smallest class
		p.kept[above-1].Put(unsafe.SliceData(b))
	}
}

func (p *Bytes) maxSize() int {
	switch {
	case p.MaxSize == 0:
		return 1 << 20
	case p.MaxSize > largest-1:
		return largest
	}
	return p.MaxSize
}
