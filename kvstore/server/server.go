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
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
)

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("kvstore/server: closed")

// Options tune a Server. A nil *Options means the defaults.
type Options struct {
	// MaxClients bounds the connections at one time; further ones are told so and
	// closed. Zero means 10,000.
	MaxClients int

	// IdleTimeout closes connections that send nothing for so long and have no
	// subscription. Zero means never.
	IdleTimeout time.Duration

	// Logger is told of failures to accept. Nil: silent.
	Logger *slog.Logger
}

// A Server serves one DB on any number of listeners. It does not close the DB.
type Server struct {
	db   *kvstore.DB
	o    Options
	next atomic.Int64 // id of the last client
	wg   sync.WaitGroup

	mu        sync.Mutex
	listeners map[net.Listener]struct{} // guarded by mu
	conns     map[net.Conn]struct{}     // guarded by mu
	closing   bool                      // guarded by mu
}

// New returns a server of db.
func New(db *kvstore.DB, o *Options) *Server {
	s := &Server{db: db, listeners: make(map[net.Listener]struct{}), conns: make(map[net.Conn]struct{})}
	if o != nil {
		s.o = *o
	}
	if s.o.MaxClients == 0 {
		s.o.MaxClients = 10_000
	}
	if s.o.Logger == nil {
		s.o.Logger = slog.New(slog.DiscardHandler)
	}
	return s
}

// Serve accepts RESP connections on l until the server is closed, and closes l. It
// always returns an error, [ErrServerClosed] after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, s.handleRESP) }

// ServeText accepts connections of the line protocol: SET key value, GET key, DEL
// key, answered by +OK, +value or -ERR and a reason, each on a line that ends
// with \n.
func (s *Server) ServeText(l net.Listener) error { return s.serve(l, s.handleText) }

func (s *Server) serve(l net.Listener, handle func(net.Conn)) error {
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
		if err == nil {
			s.start(c, handle)
			continue
		}
		s.mu.Lock()
		closing := s.closing
		s.mu.Unlock()
		if closing {
			return ErrServerClosed
		}
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() || isTemporary(err) {
			// Out of descriptors, say: those who are connected go on.
			s.o.Logger.Warn("accept", "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		return err
	}
}

func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func (s *Server) start(c net.Conn, handle func(net.Conn)) {
	s.mu.Lock()
	full := len(s.conns) >= s.o.MaxClients
	if full || s.closing {
		s.mu.Unlock()
		if full {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // closed below in any case
			_, _ = c.Write([]byte("-ERR max number of clients reached\r\n"))
		}
		_ = c.Close()
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
	}()
}

// Shutdown stops accepting, lets the commands that have arrived finish, and waits
// for that until ctx ends; then it closes the rest and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c net.Conn) { _ = c.SetReadDeadline(time.Now()) }) // ends the waiting for more
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.stop(func(c net.Conn) { _ = c.Close() })
		<-done
		return ctx.Err()
	}
}

// Close closes all listeners and connections at once and waits for their
// goroutines. It may be called twice.
func (s *Server) Close() error {
	s.stop(func(c net.Conn) { _ = c.Close() })
	s.wg.Wait()
	return nil
}

func (s *Server) stop(end func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for l := range s.listeners {
		_ = l.Close() // Serve reports ErrServerClosed
	}
	for c := range s.conns {
		end(c)
	}
}

func (s *Server) clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
