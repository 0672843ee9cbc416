package pool_test

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

// Package database/sql pools its connections itself. Who talks to a driver
// directly does it like this.
func Example_databaseConnection() {
	connector := &memConnector{} // of a driver: pq.NewConnector(dsn), mysql.NewConnector(cfg)
	p, err := pool.Open(&pool.Options[driver.Conn]{
		MaxSize:     10,
		New:         connector.Connect,
		Destroy:     func(c driver.Conn) { _ = c.Close() }, // nobody is left who could act on the error
		Check:       func(ctx context.Context, c driver.Conn) error { return c.(driver.Pinger).Ping(ctx) },
		MaxLifetime: time.Hour,
		IdleTimeout: 5 * time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Drain()
	err = p.Do(context.Background(), func(c driver.Conn) error {
		_, err := c.(driver.ExecerContext).ExecContext(context.Background(), "SELECT 1", nil)
		return err
	})
	fmt.Println(err, p.Stats().Created)
	// Output:
	// <nil> 1
}

func Example_networkConnection() {
	l := listen(nil)
	defer l.Close()
	var d net.Dialer
	p, err := pool.Open(&pool.Options[net.Conn]{
		MaxSize: 4,
		New:     func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", l.Addr().String()) },
		Destroy: func(c net.Conn) { _ = c.Close() },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Drain()
	r, err := p.Get(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := ask(r.Value(), "hello")
	if err != nil {
		r.Destroy() // who knows what the next one would read
		fmt.Println(err)
		return
	}
	r.Release()
	fmt.Print(answer)
	// Output:
	// hello
}

// A server that stops lets its requests end, for some time.
func ExamplePool_Close() {
	p := pool.New(1, func() (string, error) { return "session", nil }, func(s string) { fmt.Println("ended", s) })
	r, _ := p.Get(context.Background())
	go func() {
		fmt.Println("the request goes on with", r.Value())
		r.Release()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(p.Close(ctx))
	_, err := p.Get(ctx)
	fmt.Println(err)
	// Output:
	// the request goes on with session
	// ended session
	// <nil>
	// pool: closed
}

// ask sends a line and returns the next one.
func ask(c net.Conn, line string) (string, error) {
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

// listen starts an echo server. With accepted it tells of each connection.
func listen(accepted func(net.Conn)) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if accepted != nil {
				accepted(c)
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // ends when either side does
			}()
		}
	}()
	return l
}

// connServer counts and can cut the connections to an echo server.
type connServer struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func startServer(t *testing.T) *connServer {
	s := &connServer{}
	s.Listener = listen(func(c net.Conn) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = append(s.conns, c)
	})
	t.Cleanup(func() { s.Close(); s.cut() })
	return s
}

// cut closes all connections on the side of the server.
func (s *connServer) cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	n := len(s.conns)
	s.conns = nil
	return n
}

// readable tells by a read that must not return at once whether the other side
// has closed an idle connection.
func readable(_ context.Context, c net.Conn) error {
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return err
	}
	var one [1]byte
	if _, err := c.Read(one[:]); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		return fmt.Errorf("idle connection: read %w", err)
	}
	return c.SetReadDeadline(time.Time{})
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestConnectionsToAServer(t *testing.T) {
	s := startServer(t)
	var d net.Dialer
	p, err := pool.Open(&pool.Options[net.Conn]{
		MaxSize:        3,
		New:            func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", s.Addr().String()) },
		Destroy:        func(c net.Conn) { _ = c.Close() },
		Check:          readable,
		CheckAfterIdle: time.Millisecond, // always
	})
	require.NoError(t, err)
	defer p.Drain()
	clients := func() {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 10 {
					line := fmt.Sprintf("client %d, line %d", i, j)
					err := p.Do(t.Context(), func(c net.Conn) error {
						got, err := ask(c, line)
						if err == nil && got != line+"\n" {
							err = fmt.Errorf("sent %q, got %q", line, got)
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	clients()
	require.LessOrEqual(t, p.Stats().Created, uint64(3))
	made := s.cut() // as a restart of the server does
	clients()       // nobody is lent a dead connection
	require.EqualValues(t, made, p.Stats().CheckFailed)
	require.NoError(t, p.Close(t.Context()))
}

func TestTheServerRefuses(t *testing.T) {
	s := startServer(t)
	addr := s.Addr().String()
	require.NoError(t, s.Close())
	var d net.Dialer
	p := pool.New(2, func() (net.Conn, error) { return d.Dial("tcp", addr) }, nil)
	for range 5 {
		_, err := p.Acquire(t.Context())
		var op *net.OpError
		require.ErrorAs(t, err, &op)
	}
	require.NoError(t, p.Close(t.Context()))
}

// memConnector is the connector of a driver whose database counts statements.
type memConnector struct {
	open, most atomic.Int64
	broken     atomic.Bool
}

func (c *memConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if n := c.open.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	return &memConn{db: c}, nil
}

func (c *memConnector) Driver() driver.Driver { return nil }

type memConn struct {
	db   *memConnector
	busy atomic.Bool
	dead bool
}

func (c *memConn) Ping(context.Context) error {
	if c.dead || c.db.broken.Load() {
		return driver.ErrBadConn
	}
	return nil
}

func (c *memConn) ExecContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Result, error) {
	if c.busy.Swap(true) {
		return nil, errors.New("used by two at the same time")
	}
	defer c.busy.Store(false)
	if c.db.broken.Load() {
		c.dead = true
		return nil, driver.ErrBadConn
	}
	return driver.RowsAffected(1), ctx.Err()
}

func (c *memConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *memConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (c *memConn) Close() error                        { c.db.open.Add(-1); return nil }

func TestConnectionsOfADatabaseDriver(t *testing.T) {
	db := &memConnector{}
	p, err := pool.Open(&pool.Options[driver.Conn]{
		MaxSize: 4,
		New:     db.Connect,
		Destroy: func(c driver.Conn) { _ = c.Close() },
		Check:   func(ctx context.Context, c driver.Conn) error { return c.(driver.Pinger).Ping(ctx) },
	})
	require.NoError(t, err)
	exec := func() error {
		r, err := p.Get(t.Context())
		if err != nil {
			return err
		}
		_, err = r.Value().(driver.ExecerContext).ExecContext(t.Context(), "UPDATE t SET n = n + 1", nil)
		if errors.Is(err, driver.ErrBadConn) {
			r.Destroy()
			return err
		}
		r.Release()
		return err
	}
	var failed atomic.Int64
	run := func() {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 200 {
					if err := exec(); errors.Is(err, driver.ErrBadConn) {
						failed.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	run()
	require.Zero(t, failed.Load())
	require.LessOrEqual(t, db.most.Load(), int64(4))
	db.broken.Store(true)
	run()
	require.EqualValues(t, 16*200, failed.Load())
	db.broken.Store(false)
	failed.Store(0)
	run()
	require.Zero(t, failed.Load(), "no broken connection is left in the pool")
	require.NoError(t, p.Close(t.Context()))
	require.Zero(t, db.open.Load())
}
