package server

import (
	"net"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
)

// A netConn is a RESP connection that no loop serves. One goroutine reads, another
// one does everything else, so that the end of the connection is noticed also while
// a command waits.
type netConn struct {
	stream
	batch batch
	srv   *Server
	conn  net.Conn
	wake  chan struct{} // others have something for the session
	over  chan struct{} // closed when nothing more is read
}

// stuckAfter is how long a client may take to read what is sent to it at once: what
// waits behind that is not counted.
const stuckAfter = time.Minute

func (s *Server) handleRESP(conn net.Conn) {
	c := &netConn{srv: s, conn: conn, wake: make(chan struct{}, 1), over: make(chan struct{})}
	c.db = s.db
	wake := func() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	c.session = s.db.NewSession(&kvstore.SessionOptions{
		Wake:      wake,
		Kill:      func() { c.killed.Store(true); wake() },
		Shutdown:  s.o.Shutdown,
		Addr:      conn.RemoteAddr().String(),
		LocalAddr: conn.LocalAddr().String(),
	})
	defer c.session.Close()
	input := make(chan []byte)
	defer func() {
		_ = conn.Close() // ends the reader, whose input is of no more use
		close(c.over)
		for range input {
		}
	}()
	go c.read(input)
	for c.next(input) {
	}
}

// next waits for one event, and tells whether the connection goes on.
func (c *netConn) next(input <-chan []byte) bool {
	if !c.setDeadline() {
		return false
	}
	select {
	case b, ok := <-input:
		if !ok {
			return false
		}
		c.in = append(c.in, b...)
		c.session.CountIO(len(b), 0)
		if c.tooMuchInput() {
			c.srv.o.Logger.Warn("closing a client that exceeds client-query-buffer-limit", "bytes", len(c.in))
			return false
		}
		if !c.session.Blocked() {
			c.keep(c.execute(c.in, &c.batch, c.flush))
		}
	case <-c.wake:
		if c.killed.Load() {
			return false
		}
		if c.resume() && !c.ending {
			c.keep(c.execute(c.in, &c.batch, c.flush))
		}
	}
	return c.flush() && !c.ending
}

// setDeadline bounds the wait for input by the option timeout.
func (c *netConn) setDeadline() bool {
	timeout := c.db.Limits().Timeout
	if timeout == 0 {
		return true
	}
	deadline := time.Time{}
	if c.session.Class() == 0 && !c.session.Blocked() {
		deadline = time.Now().Add(timeout)
	}
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		return false
	}
	return !c.srv.isClosing() // whose deadline this may have replaced
}

// read hands over what comes, in two buffers by turns.
func (c *netConn) read(input chan<- []byte) {
	defer close(input)
	var bufs [2][]byte
	for i := 0; ; i ^= 1 {
		if bufs[i] == nil {
			bufs[i] = make([]byte, 16<<10)
		}
		n, err := c.conn.Read(bufs[i])
		if n > 0 {
			select {
			case input <- bufs[i][:n]:
			case <-c.over:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// flush makes the writes safe and then sends their replies. It is false if the
// connection has ended by that.
func (c *netConn) flush() bool {
	c.endBatch()
	if c.ticket > 0 {
		if err := c.db.Commit(c.ticket); err != nil {
			c.refuse(err)
		}
	}
	if c.exceeds(len(c.out)) {
		c.srv.o.Logger.Warn("closing a client whose output exceeds client-output-buffer-limit", "bytes", len(c.out))
		return false
	}
	if len(c.out) > 0 {
		if err := c.conn.SetWriteDeadline(time.Now().Add(stuckAfter)); err != nil {
			return false
		}
		if _, err := c.conn.Write(c.out); err != nil {
			return false
		}
		c.session.CountIO(0, len(c.out))
	}
	if c.out = c.out[:0]; cap(c.out) > flushOut {
		c.out = nil
	}
	c.endRound()
	return true
}
