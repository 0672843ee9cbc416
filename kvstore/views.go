package kvstore

import (
	"sync"
	"unsafe"
)

// viewBuffer is room for a short string while somebody looks at it: to copy so much
// takes less time than the lock that could do without.
type viewBuffer struct {
	data [512]byte
	// busy belongs to the thread that has the buffer in its place, until it is set;
	// then to who looks at the buffer.
	busy bool
}

// fill copies n bytes, of which the first 32 are copied by as few instructions as can be,
// to places that do not hang on n: up to 15 more may be read behind the n.
//
//go:nosplit
func (b *viewBuffer) fill(from unsafe.Pointer, n uint) {
	*(*[16]byte)(unsafe.Pointer(&b.data)) = *(*[16]byte)(from)
	if n > 16 {
		*(*[16]byte)(unsafe.Pointer(&b.data[16])) = *(*[16]byte)(unsafe.Add(from, 16))
	}
}

// viewBuffers are those that are not in use: one for each thread in front, and others.
type viewBuffers struct {
	front viewFront
	pool  sync.Pool
}

// get returns a buffer for put.
func (p *viewBuffers) get() *viewBuffer {
	if b := p.front.take(); b != nil {
		return b
	}
	b, _ := p.pool.Get().(*viewBuffer)
	if b == nil {
		b = new(viewBuffer)
	}
	return b
}

func (p *viewBuffers) put(b *viewBuffer) {
	if b.busy {
		b.busy = false
		return
	}
	p.pool.Put(b)
}

// hits returns how many strings were found by view.
func (p *viewBuffers) hits() int64 { return p.front.hits() }
