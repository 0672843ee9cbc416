package platform

import (
	"errors"
	"sync"

	"github.com/groundwork-go/groundwork/alloc"
)

// logRing keeps the last bytes that an instance wrote. Its memory is outside of Go's
// heap: a hundred chatty apps cost the collector nothing.
type logRing struct {
	heap *alloc.Heap

	mu   sync.Mutex
	buf  []byte // guarded by mu; nil after free
	at   int    // guarded by mu; where the next byte goes
	full bool   // guarded by mu
}

const logSize = 64 << 10

func newLogRing(h *alloc.Heap) (*logRing, error) {
	buf := h.Bytes(logSize)
	if buf == nil {
		return nil, errors.New("no memory for a log")
	}
	return &logRing{heap: h, buf: buf}, nil
}

// Write keeps the end of p. It never fails: an app must not stop for its log.
func (l *logRing) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf == nil {
		return len(p), nil
	}
	rest := p
	if len(rest) > len(l.buf) {
		rest = rest[len(rest)-len(l.buf):]
	}
	for len(rest) > 0 {
		n := copy(l.buf[l.at:], rest)
		rest = rest[n:]
		if l.at += n; l.at == len(l.buf) {
			l.at, l.full = 0, true
		}
	}
	return len(p), nil
}

// tail returns at most the last n bytes.
func (l *logRing) tail(n int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf == nil {
		return nil
	}
	var all []byte
	if l.full {
		all = append(all, l.buf[l.at:]...)
	}
	all = append(all, l.buf[:l.at]...)
	return all[max(0, len(all)-n):]
}

// free gives the memory back. The ring stays usable and keeps nothing.
func (l *logRing) free() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	buf := l.buf
	l.buf = nil
	return l.heap.FreeBytes(buf)
}
