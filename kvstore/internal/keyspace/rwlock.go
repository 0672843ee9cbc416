package keyspace

import (
	"runtime"
	"sync/atomic"
	"time"
)

// rwlock is a lock for many readers or one writer that are done in well under a
// microsecond, most of the time: one atomic operation takes it, those who wait try
// again. sync.RWMutex takes two for a writer and keeps lists of those who wait.
type rwlock struct {
	state atomic.Int32 // readers, and writing if a writer has the lock or waits for readers
	_     [60]byte     // a cache line of its own
}

const writing = 1 << 30

func (l *rwlock) rlock() {
	if l.state.Add(1)&writing == 0 {
		return
	}
	for tries := 0; ; tries++ {
		l.state.Add(-1)
		for l.state.Load()&writing != 0 {
			pause(tries)
			tries++
		}
		if l.state.Add(1)&writing == 0 {
			return
		}
	}
}

func (l *rwlock) runlock() { l.state.Add(-1) }

func (l *rwlock) lock() {
	if l.state.CompareAndSwap(0, writing) {
		return
	}
	for tries := 0; ; tries++ {
		s := l.state.Load()
		if s&writing == 0 && l.state.CompareAndSwap(s, s|writing) {
			break // no further writer comes, no further reader stays
		}
		pause(tries)
	}
	for tries := 0; l.state.Load() != writing; tries++ {
		pause(tries)
	}
}

func (l *rwlock) unlock() { l.state.Add(-writing) }

// pause lets others run: at first for a moment, since most owners are as good as
// done.
func pause(tries int) {
	switch {
	case tries < 8:
		for i := range 16 {
			_ = i
		}
	case tries < 40:
		runtime.Gosched()
	default:
		time.Sleep(min(time.Duration(tries)*time.Microsecond, time.Millisecond))
	}
}
