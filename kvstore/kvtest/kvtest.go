// Package kvtest starts a store with a server for a test, as people do with
// miniredis: on a free port, with a handle on the data, and a clock that the test
// may move forward.
//
//	func TestCache(t *testing.T) {
//		srv := kvtest.Run(t)
//		client := redis.NewClient(&redis.Options{Addr: srv.Addr})
//		...
//		srv.Advance(time.Hour) // and what should expire within an hour has expired
//	}
//
// Time passes by itself as well. Everything ends with the test.
package kvtest

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

// A Server is a store that is served to Redis clients.
type Server struct {
	// Addr is the address of the server, such as 127.0.0.1:41234.
	Addr string
	// DB is the store itself. The test must not close it.
	DB *kvstore.DB

	ahead atomic.Int64 // nanoseconds
}

// Run starts an empty store in memory and its server. Both are closed when the test
// and its subtests end.
func Run(t testing.TB) *Server {
	t.Helper()
	s := &Server{}
	db, err := kvstore.Open("", &kvstore.Options{Now: s.now})
	if err != nil {
		t.Fatalf("kvtest: %v", err)
	}
	s.DB = db
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = db.Close() // the first error counts
		t.Fatalf("kvtest: %v", err)
	}
	s.Addr = l.Addr().String()
	srv := server.New(db, nil)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		err := srv.Close()
		if e := <-served; !errors.Is(e, server.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Errorf("kvtest: %v", err)
		}
	})
	return s
}

func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// Advance moves the clock of the store forward: keys whose time to live is over by
// then are gone. Commands that wait with a timeout, such as BLPOP, wait in real time.
// It panics if d is negative.
func (s *Server) Advance(d time.Duration) {
	if d < 0 {
		panic("kvtest: Advance by a negative duration")
	}
	s.ahead.Add(int64(d))
}
