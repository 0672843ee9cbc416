package server

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/groundwork-go/groundwork/kvstore"
)

// A loop serves connections on one goroutine. In each round it reads from all that
// are ready, runs their commands, commits all writes at once and then sends all
// replies: one system call for each connection and direction, and one sync of the
// log for all.
type loop struct {
	srv  *Server
	db   *kvstore.DB
	poll *poller
	buf  []byte // for input that is used up in its round

	batch batch

	conns  map[int]*conn // by descriptor
	dirty  []*conn       // of this round: have run commands or have output
	more   []*conn       // may have more input than was read: the kernel does not tell again
	ticket uint64        // of this round, the highest
	now    time.Time     // of this round
	swept  time.Time     // when idle connections were last looked for
	gave   time.Time     // when the loop last gave up its processor
	luck   int           // how often linger was of use lately, less how often it was not
	empty  int           // times that nothing was ready, if luck has run out
	spare  [][]byte      // buffers for output
	ending bool          // Shutdown: connections end when their output is sent

	state atomic.Int32 // asleep while the loop waits in the kernel or is about to

	mu    sync.Mutex
	posts []func() // guarded by mu; to be run by the loop
	woken []*conn  // guarded by mu; those that others have something for
	ended bool     // guarded by mu; the loop runs no more posts
}

const (
	awake int32 = iota
	asleep
)

const (
	readSize  = 64 << 10
	keptOut   = 32 << 10 // the loop keeps no larger buffer for output
	mostSpare = 1024     // and no more of them

	// giveUpAfter is for how long a loop keeps its processor. Once it is 10 ms the
	// runtime takes it away by a signal and then watches every 20 us for a while,
	// which costs 3 % of the processor's time.
	giveUpAfter = 4 * time.Millisecond

	lingerPause = 120 // pauses of the processor before the kernel is asked once more
	lingerEvery = 16  // empty polls, if it is seldom of use
	mostLuck    = 16
)

func newLoop(s *Server) (*loop, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &loop{srv: s, db: s.db, poll: p, buf: make([]byte, readSize), conns: make(map[int]*conn)}, nil
}

// post has f run by the loop soon. It is false if the loop has ended.
func (l *loop) post(f func()) bool {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return false
	}
	l.posts = append(l.posts, f)
	l.mu.Unlock()
	l.rouse()
	return true
}

// wake has the loop look at c soon. It may be called from any goroutine, also from
// the loop's own.
func (l *loop) wake(c *conn) {
	if c.woken.Swap(true) {
		return
	}
	l.mu.Lock()
	l.woken = append(l.woken, c)
	l.mu.Unlock()
	l.rouse()
}

func (l *loop) rouse() {
	// If the loop is not asleep it looks at both lists before it is: it sets
	// state first.
	if l.state.CompareAndSwap(asleep, awake) {
		l.poll.notify()
	}
}

// run serves until Shutdown or Close.
func (l *loop) run() {
	var again []*conn
	for {
		events := l.next()
		again, l.more = l.more, again[:0]
		for _, c := range again {
			c.more = false
			if !c.gone {
				c.readable()
			}
		}
		for _, e := range events {
			fd := int(e.Fd)
			if fd == l.poll.ev {
				l.poll.noticed()
			} else if c := l.conns[fd]; c != nil {
				c.ready(e.Events)
			}
		}
		l.runPosts()
		l.finish()
		l.sweep()
		if l.ending && len(l.conns) == 0 && l.end() {
			return
		}
	}
}

// next returns what is ready, waiting if nothing is.
func (l *loop) next() []unix.EpollEvent {
	if l.now.Sub(l.gave) > giveUpAfter {
		l.gave = l.now
		l.giveUp()
	}
	events := l.poll.poll()
	if len(events) == 0 && len(l.more) == 0 {
		events = l.linger()
	}
	if len(events) == 0 && len(l.more) == 0 {
		l.state.Store(asleep)
		if l.idle() {
			timeout := -1
			if len(l.conns) > 0 {
				timeout = 1000 // for sweep
			}
			events = l.poll.wait(timeout)
		}
		l.state.Store(awake)
	}
	l.now = time.Now()
	return events
}

// giveUp lets other goroutines run: those of this processor if there are others, else all.
func (l *loop) giveUp() {
	if runtime.GOMAXPROCS(0) > l.srv.o.Loops {
		yield()
	} else {
		runtime.Gosched()
	}
}

// linger waits for some microseconds and looks once more for events before the loop
// sleeps. With many clients the next ones come within that time, and whoever sends them
// would have to wake this thread, which takes him as long as a request. As long as it was
// in vain more often than not, it is tried now and then only.
func (l *loop) linger() []unix.EpollEvent {
	if l.luck <= 0 {
		if l.empty++; l.empty%lingerEvery != 0 {
			return nil
		}
	}
	pause(lingerPause)
	events := l.poll.poll()
	if len(events) > 0 {
		l.luck = min(l.luck+1, mostLuck)
	} else {
		l.luck = max(l.luck-1, -mostLuck)
	}
	return events
}

func (l *loop) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.posts) == 0 && len(l.woken) == 0
}

// runPosts does what others have asked for, until they ask for no more: a command
// of one connection may wake another one of the loop.
func (l *loop) runPosts() {
	for {
		l.mu.Lock()
		posts, woken := l.posts, l.woken
		l.posts, l.woken = nil, nil
		l.mu.Unlock()
		if len(posts) == 0 && len(woken) == 0 {
			return
		}
		for _, f := range posts {
			f()
		}
		for _, c := range woken {
			c.woken.Store(false)
			if l.conns[c.fd] == c {
				c.resume()
			}
		}
	}
}

// touch puts c on the list of those whose output is sent at the end of the round.
func (l *loop) touch(c *conn) {
	if !c.dirty {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// finish ends the round: makes writes safe, then sends all replies.
func (l *loop) finish() {
	var err error
	if l.ticket > 0 {
		err = l.db.Commit(l.ticket)
		l.ticket = 0
	}
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		c.dirty = false
		if c.gone {
			continue
		}
		if err != nil && c.ticket > 0 {
			c.refuse(err)
		}
		c.send()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}

// sweep looks, once in a second, for connections that were idle for too long or
// whose output has waited for too long.
func (l *loop) sweep() {
	if l.now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = l.now
	limits := l.db.Limits()
	for _, c := range l.conns {
		switch {
		case limits.Timeout > 0 && l.now.Sub(c.used) > limits.Timeout && c.session.Class() == 0 && !c.session.Blocked():
			c.close()
		case len(c.out) > c.sent:
			c.checkOutput()
		}
	}
}

// end ends the loop unless there is something left to do.
func (l *loop) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.posts) > 0 {
		return false
	}
	l.ended = true
	l.poll.close()
	return true
}

// shutDown lets the connections end: after what has arrived, or at once.
func (l *loop) shutDown(atOnce bool) {
	l.ending = true
	for _, c := range l.conns {
		if atOnce {
			c.close()
			continue
		}
		if !c.ending {
			c.readable()
		}
		if !c.gone {
			c.ending = true
			l.touch(c)
		}
	}
}

// buffer returns an empty buffer for output.
func (l *loop) buffer() []byte {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b
	}
	return make([]byte, 0, 1024)
}

// giveBack takes a buffer that is not used any more.
func (l *loop) giveBack(b []byte) {
	if cap(b) <= keptOut && len(l.spare) < mostSpare {
		l.spare = append(l.spare, b[:0])
	}
}

// add begins to serve a descriptor, on the loop.
func (l *loop) add(fd int, addr, localAddr string) {
	if l.ending {
		_ = unix.Close(fd) // there is nobody to tell
		l.srv.leave()
		return
	}
	c := &conn{loop: l, fd: fd, used: l.now}
	c.db = l.db
	c.session = l.db.NewSession(&kvstore.SessionOptions{
		Wake:      func() { l.wake(c) },
		Kill:      func() { c.killed.Store(true); l.wake(c) },
		Buffers:   c.buffers,
		Shutdown:  l.srv.o.Shutdown,
		Addr:      addr,
		LocalAddr: localAddr,
		FD:        fd,
	})
	l.conns[fd] = c
	if err := l.poll.watch(fd); err != nil {
		l.srv.o.Logger.Warn("cannot watch a connection", "error", err)
		c.close()
	}
}
