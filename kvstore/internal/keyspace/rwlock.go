package keyspace

import (
	"runtime"
	"sync/atomic"
	"time"
)

// rwlock is a lock for many readers or one writer that are done in well under a
// microsecond, most of the time: one atomic operation takes it, those who wait try
// again. sync.RWMutex takes two for a writer and keeps lists of those who wait.
//
// Its state has a version, which is another one after each writer: who has seen the
// same version before and after, and no writer, knows that there was none between,
// without having written anything that other processors would have to be told, unless
// the lock is guarded: then it has to be taken.
type rwlock struct {
	state atomic.Uint64 // readers, writing if a writer has the lock or waits for readers, version
}

const (
	writing = 1 << 28 // below: the number of readers
	guarded = writing << 1
	version = writing << 2
)

func (l *rwlock) rlock() {
	if l.state.Add(1)&writing == 0 {
		return
	}
	for tries := 0; ; tries++ {
		l.runlock()
		for l.state.Load()&writing != 0 {
			pause(tries)
			tries++
		}
		if l.state.Add(1)&writing == 0 {
			return
		}
	}
}

func (l *rwlock) runlock() { l.state.Add(^uint64(0)) }

func (l *rwlock) lock() {
	for tries := 0; ; tries++ {
		s := l.state.Load()
		if s&writing == 0 && l.state.CompareAndSwap(s, s|writing) {
			break // no further writer comes, no further reader stays
		}
		pause(tries)
	}
	for tries := 0; l.state.Load()&(2*writing-1) != writing; tries++ {
		pause(tries)
	}
}

func (l *rwlock) unlock() { l.state.Add(version - writing) }

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
