package server

import (
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
	ticket uint64        // of this round, the highest
	now    time.Time     // of this round
	swept  time.Time     // when idle connections were last looked for
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
	for {
		for _, e := range l.next() {
			fd := int(e.Fd)
			if fd == l.poll.ev {
				l.poll.noticed()
				continue
			}
			if c := l.conns[fd]; c != nil {
				if e.Events&unix.EPOLLOUT != 0 {
					l.touch(c)
				}
				if e.Events&^unix.EPOLLOUT != 0 {
					c.readable()
				}
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
	events := l.poll.poll()
	if len(events) == 0 {
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
	c := &conn{loop: l, fd: fd, used: l.now, events: unix.EPOLLIN}
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
	if err := l.poll.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
		l.srv.o.Logger.Warn("cannot watch a connection", "error", err)
		c.close()
	}
}

// A conn is a connection of a loop.
type conn struct {
	stream
	loop *loop
	fd   int

	events    uint32    // that the poller watches
	dirty     bool      // in loop.dirty
	gone      bool      // is closed
	used      time.Time // of the last input
	softSince time.Time // since when out has exceeded the soft limit; zero: it does not

	woken  atomic.Bool  // in loop.woken
	inLen  atomic.Int64 // of in and its room, and of out, for CLIENT LIST
	inCap  atomic.Int64
	outLen atomic.Int64
}

func (c *conn) buffers() (in, inFree, out int) {
	in = int(c.inLen.Load())
	return in, int(c.inCap.Load()) - in, int(c.outLen.Load())
}

// readable reads once and runs the commands that have come.
func (c *conn) readable() {
	l := c.loop
	switch {
	case c.ending:
		// Nothing more is run, but the end has to be noticed.
		if readFD(c.fd, l.buf) == 0 {
			c.close()
		}
	case len(c.in) > 0 || c.session.Blocked():
		c.readMore()
	default:
		if n := readFD(c.fd, l.buf); c.got(n) {
			c.execute(l.buf[:n])
		}
	}
}

// readMore reads behind input that is there already.
func (c *conn) readMore() {
	if free := cap(c.in) - len(c.in); free < readSize/4 || free < c.parser.Need()-len(c.in) && free < len(c.in) {
		// What the client says it will send is not set aside before half has come.
		grown := make([]byte, len(c.in), max(2*cap(c.in), len(c.in)+readSize/2))
		copy(grown, c.in)
		c.in = grown
	}
	n := readFD(c.fd, c.in[len(c.in):cap(c.in)])
	if !c.got(n) {
		return
	}
	c.in = c.in[:len(c.in)+n]
	if c.tooMuchInput() {
		c.loop.srv.o.Logger.Warn("closing a client that exceeds client-query-buffer-limit", "bytes", len(c.in))
		c.close()
		return
	}
	if c.session.Blocked() {
		c.tellInput()
		return
	}
	c.execute(c.in)
}

// got deals with the result of readFD, and tells whether there is input.
func (c *conn) got(n int) bool {
	if n <= 0 {
		if n == 0 {
			c.close()
		}
		return false
	}
	c.used = c.loop.now
	c.session.CountIO(n, 0)
	return true
}

// execute runs the commands in b and keeps the rest.
func (c *conn) execute(b []byte) {
	c.useBuffer()
	rest := c.stream.execute(b, &c.loop.batch, c.flush)
	if c.gone {
		return
	}
	c.loop.ticket = max(c.loop.ticket, c.ticket)
	c.keep(rest)
	c.tellInput()
}

// tellInput is for CLIENT LIST.
func (c *conn) tellInput() {
	if n := int64(len(c.in)); n > 0 || c.inLen.Load() > 0 {
		c.inLen.Store(n)
		c.inCap.Store(int64(cap(c.in)))
	}
}

// useBuffer prepares for output.
func (c *conn) useBuffer() {
	c.loop.touch(c)
	if c.out == nil {
		c.out = c.loop.buffer()
	}
}

// flush sends output in the middle of a round. It is false if the connection has
// ended by that.
func (c *conn) flush() bool {
	c.endBatch()
	if c.ticket > 0 {
		if err := c.db.Commit(c.ticket); err != nil {
			c.refuse(err)
		}
	}
	ending := c.ending
	c.ending = false // not before the end of the round
	c.send()
	c.ending = ending
	if !c.gone {
		c.useBuffer()
		c.begin()
	}
	return !c.gone
}

// resume sends on what others have for the session, and goes on with input that had
// to wait.
func (c *conn) resume() {
	if c.killed.Load() {
		c.close()
		return
	}
	c.useBuffer()
	done := c.stream.resume()
	c.loop.ticket = max(c.loop.ticket, c.ticket)
	if done && !c.ending {
		c.execute(c.in)
	}
}

// send sends what the socket takes.
func (c *conn) send() {
	if n := len(c.out) - c.sent; n > 0 {
		wrote, ok := writeFD(c.fd, c.out[c.sent:])
		if !ok {
			c.close()
			return
		}
		c.session.CountIO(0, wrote)
		c.sent += wrote
		if wrote < n {
			if c.sent > len(c.out)/2 { // or it would grow for as long as the client is slow
				c.out = c.out[:copy(c.out, c.out[c.sent:])]
				c.sent = 0
			}
			c.endRound()
			c.outLen.Store(int64(n - wrote))
			c.watch(unix.EPOLLIN | unix.EPOLLOUT)
			c.checkOutput()
			return
		}
	}
	if c.ending {
		c.close()
		return
	}
	if c.events != unix.EPOLLIN { // it was slow
		c.outLen.Store(0)
		c.softSince = time.Time{}
		if c.watch(unix.EPOLLIN); c.gone {
			return
		}
	}
	if c.out != nil {
		c.loop.giveBack(c.out)
		c.out, c.sent = nil, 0
	}
	c.endRound()
}

func (c *conn) watch(events uint32) {
	if c.events != events {
		c.events = events
		if err := c.loop.poll.control(unix.EPOLL_CTL_MOD, c.fd, events); err != nil {
			c.close()
		}
	}
}

// checkOutput closes a connection whose output has become too much.
func (c *conn) checkOutput() {
	if c.gone {
		return
	}
	n := int64(len(c.out) - c.sent)
	limit := &c.db.Limits().Output[c.session.Class()]
	switch {
	case limit.Hard > 0 && n > limit.Hard:
	case limit.Soft == 0 || n <= limit.Soft:
		c.softSince = time.Time{}
		return
	case c.softSince.IsZero():
		c.softSince = c.loop.now
		return
	case c.loop.now.Sub(c.softSince) <= limit.SoftFor:
		return
	}
	c.loop.srv.o.Logger.Warn("closing a client that does not read its output", "bytes", n)
	c.close()
}

// close ends the connection at once.
func (c *conn) close() {
	if c.gone {
		return
	}
	c.gone = true
	l := c.loop
	delete(l.conns, c.fd)
	_ = unix.Close(c.fd) // which also takes it from the poller
	c.session.Close()
	if c.out != nil {
		l.giveBack(c.out)
	}
	c.in, c.out = nil, nil
	l.srv.leave()
}
