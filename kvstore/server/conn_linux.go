package server

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A conn is a connection of a loop.
type conn struct {
	stream
	loop *loop
	fd   int

	dirty     bool      // in loop.dirty
	more      bool      // in loop.more
	slow      bool      // does not take its output
	ends      bool      // there is an end behind the input
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

// ready does what the poller asks for.
func (c *conn) ready(events uint32) {
	if c.slow && events&unix.EPOLLOUT != 0 {
		c.loop.touch(c)
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	c.ends = c.ends || events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0
	c.readable()
}

// again has readable called in the next round.
func (c *conn) again() {
	if !c.more && !c.gone {
		c.more = true
		c.loop.more = append(c.loop.more, c)
	}
}

// readable reads once and runs the commands that have come.
func (c *conn) readable() {
	l := c.loop
	switch {
	case c.ending:
		// Nothing more is run, but that the client is gone has to be noticed.
		if c.read(l.buf) == readBroken {
			c.close()
		}
	case len(c.in) > 0 || c.session.Blocked():
		c.readMore()
	default:
		if n := c.read(l.buf); c.got(n) {
			c.execute(l.buf[:n])
		}
	}
}

// read is readFD. If that fills b, or does not come to an end that is known, there is
// more.
func (c *conn) read(b []byte) int {
	n := readFD(c.fd, b)
	if n == len(b) || n > 0 && c.ends {
		c.again()
	}
	return n
}

// readMore reads behind input that is there already.
func (c *conn) readMore() {
	if free := cap(c.in) - len(c.in); free < readSize/4 || free < c.parser.Need()-len(c.in) && free < len(c.in) {
		// What the client says it will send is not set aside before half has come.
		grown := make([]byte, len(c.in), max(2*cap(c.in), len(c.in)+readSize/2))
		copy(grown, c.in)
		c.in = grown
	}
	n := c.read(c.in[len(c.in):cap(c.in)])
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
	switch {
	case n > 0:
		c.used = c.loop.now
		c.session.CountIO(n, 0)
		return true
	case n == readEnd && len(c.out) > c.sent:
		c.ending = true // it may still read what it has asked for
	case n != readNothing:
		c.close()
	}
	return false
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
		if c.exceeds(n) {
			c.closeSlow(n)
			return
		}
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
			c.slow = true
			c.checkOutput()
			return
		}
	}
	if c.ending {
		c.close()
		return
	}
	if c.slow {
		c.slow = false
		c.outLen.Store(0)
		c.softSince = time.Time{}
	}
	if c.out != nil {
		c.loop.giveBack(c.out)
		c.out, c.sent = nil, 0
	}
	c.endRound()
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
	c.closeSlow(int(n))
}

func (c *conn) closeSlow(n int) {
	c.loop.srv.o.Logger.Warn("closing a client whose output exceeds client-output-buffer-limit", "bytes", n)
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
