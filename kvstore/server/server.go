// Package server serves a kvstore.DB to Redis clients, over RESP versions 2 and 3,
// and over a plain line protocol.
//
//	s := server.New(db, nil)
//	go s.Serve(listener)
//	...
//	err := s.Shutdown(ctx)
//
// A reply to a write is sent after the write is as safe as Options.Fsync of the DB
// promises. Malformed input gets Redis's error text and the connection is closed.
// What CONFIG SET changes (maxclients, timeout, client-output-buffer-limit, ...)
// holds for all servers of the DB. A DB that still loads in the background may be served:
// its clients are told so.
//
// # How connections are served
//
// On Linux, TCP and Unix sockets are served by event loops: a few goroutines that
// read, run and answer the commands of all connections, in place and without
// allocation. All other listeners (TLS, other systems) are served by goroutines of
// each connection, as is the line protocol.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
)

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("kvstore/server: closed")

// Options tune a Server. A nil *Options means the defaults.
type Options struct {
	// Loops is the number of event loops. Zero means one for each two processors
	// that Go may use: the kernel and the clients want to run as well.
	Loops int

	// Shutdown, if not nil, is called by the command SHUTDOWN once what is stored is
	// safe (see [kvstore.DB.PrepareShutdown]), and must not block.
	// Nil: the command is an error.
	Shutdown func(o kvstore.ShutdownOptions)

	// Logger is told of failures to accept and of clients that are closed for
	// exceeding a limit. Nil: silent.
	Logger *slog.Logger
}

// A Server serves one DB on any number of listeners. It does not close the DB.
type Server struct {
	db    *kvstore.DB
	o     Options
	loops loops
	n     atomic.Int64   // connections
	wg    sync.WaitGroup // goroutines of connections and loops
	done  chan struct{}  // closed when closing

	mu        sync.Mutex
	listeners map[net.Listener]struct{} // guarded by mu
	conns     map[net.Conn]struct{}     // guarded by mu; those with goroutines of their own
	closing   bool                      // guarded by mu
}

// New returns a server of db.
func New(db *kvstore.DB, o *Options) *Server {
	s := &Server{db: db, listeners: make(map[net.Listener]struct{}), conns: make(map[net.Conn]struct{}), done: make(chan struct{})}
	if o != nil {
		s.o = *o
	}
	if s.o.Loops <= 0 {
		s.o.Loops = max(runtime.GOMAXPROCS(0)/2, 1)
	}
	if s.o.Logger == nil {
		s.o.Logger = slog.New(slog.DiscardHandler)
	}
	return s
}

// Serve accepts RESP connections on l until the server is closed, and closes l. It
// always returns an error, [ErrServerClosed] after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	return s.serve(l, func(c net.Conn) {
		if !s.loops.adopt(s, c) {
			s.start(c, s.handleRESP)
		}
	})
}

// ServeText accepts connections of the line protocol: SET key value, GET key, DEL
// key, answered by +OK, +value or -ERR and a reason, each on a line that ends
// with \n.
func (s *Server) ServeText(l net.Listener) error {
	return s.serve(l, func(c net.Conn) { s.start(c, s.handleText) })
}

// Handle adds a command written in Go. It is [kvstore.DB.Handle]: all servers of the
// DB have it.
func (s *Server) Handle(name string, spec *kvstore.CommandSpec, f kvstore.HandlerFunc) error {
	return s.db.Handle(name, spec, f)
}

// serve gives every connection of l that there is room for to begin.
func (s *Server) serve(l net.Listener, begin func(net.Conn)) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		_ = l.Close() // it was never used
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, l)
		s.mu.Unlock()
		_ = l.Close() // after Shutdown it is closed already
	}()
	for {
		c, err := l.Accept()
		switch {
		case err == nil && s.isForeign(c):
			s.turnAway(c, msgProtected)
		case err == nil && s.enter():
			begin(c)
		case err == nil:
			s.turnAway(c, "-ERR max number of clients reached\r\n")
		case s.isClosing():
			return ErrServerClosed
		case isTemporary(err):
			s.pauseAccept(err)
		default:
			return err
		}
	}
}

const msgProtected = "-DENIED This server is in protected mode: it has no password, so only clients of its own machine are served. " +
	"Set a password (requirepass), or protected-mode to no.\r\n"

// isForeign tells whether protected-mode refuses a client.
func (s *Server) isForeign(c net.Conn) bool {
	if !s.db.Limits().Protected || s.db.HasPassword() {
		return false
	}
	addr, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && !addr.IP.IsLoopback()
}

// turnAway closes a connection with a last word.
func (s *Server) turnAway(c net.Conn, why string) {
	_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // closed below in any case
	_, _ = c.Write([]byte(why))
	_ = c.Close()
}

func isTemporary(err error) bool {
	var ne net.Error
	var t interface{ Temporary() bool }
	return errors.As(err, &ne) && ne.Timeout() || errors.As(err, &t) && t.Temporary()
}

// pauseAccept waits after a failure such as a lack of descriptors: those who are
// connected go on meanwhile.
func (s *Server) pauseAccept(err error) {
	s.o.Logger.Warn("cannot accept a connection", "error", err)
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	}
}

// enter counts a connection, and tells whether there is room for it.
func (s *Server) enter() bool {
	if s.n.Add(1) > int64(s.db.Limits().MaxClients) {
		s.n.Add(-1)
		s.db.CountRejected()
		return false
	}
	return true
}

// leave counts the end of a connection.
func (s *Server) leave() { s.n.Add(-1) }

// start serves a connection by goroutines of its own.
func (s *Server) start(c net.Conn, handle func(net.Conn)) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		s.leave()
		_ = c.Close() // nothing was served
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.wg.Done()
		handle(c)
		_ = c.Close() // the client may have been faster
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.leave()
	}()
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// Shutdown stops accepting, lets the commands that have arrived finish, and waits
// for that until ctx ends; then it closes the rest and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(false, func(c net.Conn) { _ = c.SetReadDeadline(time.Now()) }) // ends the waiting for more
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.stop(true, func(c net.Conn) { _ = c.Close() })
		<-done
		return ctx.Err()
	}
}

// Close closes all listeners and connections at once and waits for their
// goroutines. It may be called twice.
func (s *Server) Close() error {
	s.stop(true, func(c net.Conn) { _ = c.Close() })
	s.wg.Wait()
	return nil
}

func (s *Server) stop(atOnce bool, end func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.closing = true
		close(s.done)
	}
	for l := range s.listeners {
		_ = l.Close() // Serve reports ErrServerClosed
	}
	for c := range s.conns {
		end(c)
	}
	s.loops.stop(atOnce)
}
