package server

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/resp"
)

// client is one RESP connection: a goroutine reads commands and runs them, another
// one sends what arrives from others.
type client struct {
	srv  *Server
	conn net.Conn

	mu      sync.Mutex // guards session and writing to conn
	session *kvstore.Session
	out     []byte // guarded by mu; replies that are not sent yet

	wake chan struct{} // others have something for the session
	free chan struct{} // a command waits no more
	done chan struct{} // the connection has ended
}

const flushAt = 64 << 10

// Read sends what is to be sent before it waits for more input.
func (c *client) Read(b []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	if c.srv.o.IdleTimeout > 0 {
		c.mu.Lock()
		idle := c.session.Class() == 0
		c.mu.Unlock()
		deadline := time.Time{}
		if idle {
			deadline = time.Now().Add(c.srv.o.IdleTimeout)
		}
		if err := c.conn.SetReadDeadline(deadline); err != nil {
			return 0, err
		}
		if c.srv.isClosing() { // whose deadline this may have replaced
			return 0, ErrServerClosed
		}
	}
	n, err := c.conn.Read(b)
	c.session.CountIO(n, 0)
	return n, err
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// flush makes the writes safe and then sends their replies.
func (c *client) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flushLocked()
}

func (c *client) flushLocked() error {
	ticket := c.session.EndBatch()
	if len(c.out) == 0 {
		return nil
	}
	if err := c.srv.db.Commit(ticket); err != nil {
		// None of these replies may be believed.
		_, _ = c.conn.Write(resp.AppendError(nil, "MISCONF "+err.Error()))
		return err
	}
	_, err := c.conn.Write(c.out)
	c.session.CountIO(0, len(c.out))
	if c.out = c.out[:0]; cap(c.out) > 1<<20 {
		c.out = nil
	}
	return err
}

func (s *Server) handleRESP(conn net.Conn) {
	c := &client{srv: s, conn: conn, wake: make(chan struct{}, 1), free: make(chan struct{}, 1), done: make(chan struct{})}
	c.session = s.db.NewSession(&kvstore.SessionOptions{
		Wake: func() {
			select {
			case c.wake <- struct{}{}:
			default:
			}
		},
		Kill:      func() { _ = conn.Close() }, // the reading goroutine sees it
		Addr:      conn.RemoteAddr().String(),
		LocalAddr: conn.LocalAddr().String(),
	})
	var pushing sync.WaitGroup
	pushing.Go(c.push)
	defer func() {
		close(c.done)
		pushing.Wait()
		c.session.Close()
	}()
	r := resp.NewReader(c, nil)
	for {
		args, err := r.ReadCommand()
		if err != nil {
			var pe *resp.ProtocolError
			if errors.As(err, &pe) {
				c.mu.Lock()
				c.out = resp.AppendError(c.out, "ERR "+pe.Error())
				c.mu.Unlock()
				_ = c.flush() // the connection ends in any case
			}
			return
		}
		if !c.command(args) {
			_ = c.flush() // the connection ends in any case
			return
		}
	}
}

// command runs a command and tells whether the connection goes on.
func (c *client) command(args [][]byte) bool {
	c.mu.Lock()
	c.out = c.session.Exec(c.out, args)
	blocked := c.session.Blocked()
	if (blocked || len(c.out) >= flushAt) && c.flushLocked() != nil {
		c.mu.Unlock()
		return false
	}
	closing := c.session.Closing()
	c.mu.Unlock()
	for blocked {
		<-c.free
		if c.srv.isClosing() {
			return false
		}
		c.mu.Lock()
		blocked = c.session.Blocked()
		c.mu.Unlock()
	}
	return !closing
}

// push sends what others have for the session.
func (c *client) push() {
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		c.mu.Lock()
		c.out = c.session.Resume(c.out)
		err := c.flushLocked()
		c.mu.Unlock()
		if err != nil {
			_ = c.conn.Close() // the reading goroutine sees it
		}
		select {
		case c.free <- struct{}{}:
		default:
		}
	}
}
