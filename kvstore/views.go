package kvstore

import "sync"

// viewBuffer is room for a short string while somebody looks at it: to copy so much
// takes less time than the lock that could do without.
type viewBuffer struct {
	data [512]byte
	// busy belongs to the thread that has the buffer in its place, until it is set;
	// then to who looks at the buffer.
	busy bool
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

// hits returns how many strings were found by viewShort.
func (p *viewBuffers) hits() int64 { return p.front.hits() }
