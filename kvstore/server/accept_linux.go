package server

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// loops are the event loops of a server. They are started by the first connection
// that they can serve. Guarded by Server.mu.
type loops struct {
	all  []*loop
	next int
}

// adopt gives a connection to a loop, which takes its descriptor from c. It is
// false if that cannot be: c is then as it was.
func (ls *loops) adopt(s *Server, c net.Conn) bool {
	var raw interface {
		Control(f func(fd uintptr)) error
	}
	var err error
	tcp := false
	switch c := c.(type) {
	case *net.TCPConn:
		tcp = true
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return false
	}
	if err != nil {
		return false
	}
	l := ls.pick(s)
	if l == nil {
		return false
	}
	fd := -1
	if raw.Control(func(own uintptr) {
		// A duplicate, since the runtime watches the descriptor itself.
		fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	}) != nil || err != nil {
		return false
	}
	addr, localAddr := c.RemoteAddr().String(), c.LocalAddr().String()
	if tcp {
		if d := s.db.Limits().KeepAlive; d > 0 {
			// Without it the connection works as well.
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(d.Seconds()))
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(int(d.Seconds())/3, 1))
		}
	} else {
		addr, localAddr = localAddr+":0", localAddr+":0" // as Redis tells them
	}
	if !l.post(func() { l.add(fd, addr, localAddr) }) {
		_ = unix.Close(fd) // the server is closed
		return false
	}
	_ = c.Close() // the duplicate keeps the connection open
	return true
}

// pick returns the loop whose turn it is, or nil if there can be none.
func (ls *loops) pick(s *Server) *loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	for len(ls.all) < s.o.Loops {
		l, err := newLoop(s)
		if err != nil {
			s.o.Logger.Warn("cannot start an event loop", "error", fmt.Errorf("epoll: %w", err))
			break
		}
		ls.all = append(ls.all, l)
		s.wg.Go(l.run)
	}
	if len(ls.all) == 0 {
		return nil
	}
	ls.next++
	return ls.all[ls.next%len(ls.all)]
}

// stop ends the loops. Called with Server.mu held.
func (ls *loops) stop(atOnce bool) {
	for _, l := range ls.all {
		l.post(func() { l.shutDown(atOnce) })
	}
}
