package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"
	commons "github.com/jolestar/go-commons-pool/v2"
	"golang.org/x/sync/semaphore"

	"github.com/groundwork-go/groundwork/pool"
)

// A lender is a pool behind two functions; H is what it lends. Everyone is called
// through such functions, so that everyone pays for them.
type lender[H any] struct {
	name  string
	get   func(ctx context.Context) (H, error)
	put   func(H)
	close func()
}

type conn struct{ uses int }

func ours(size int) lender[pool.Resource[*conn]] {
	p, err := pool.Open(&pool.Options[*conn]{
		MaxSize:     size,
		New:         func(context.Context) (*conn, error) { return &conn{}, nil },
		MaxLifetime: time.Hour,
		IdleTimeout: time.Minute,
	})
	check(err)
	return lender[pool.Resource[*conn]]{"ours", p.Get, pool.Resource[*conn].Release, p.Drain}
}

func ofPuddle(size int) lender[*puddle.Resource[*conn]] {
	p, err := puddle.NewPool(&puddle.Config[*conn]{
		MaxSize:     int32(size),
		Constructor: func(context.Context) (*conn, error) { return &conn{}, nil },
		Destructor:  func(*conn) {},
	})
	check(err)
	return lender[*puddle.Resource[*conn]]{"puddle", p.Acquire, (*puddle.Resource[*conn]).Release, p.Close}
}

func ofChannel(size int) lender[*conn] {
	c := make(chan *conn, size)
	for range size {
		c <- &conn{}
	}
	get := func(ctx context.Context) (*conn, error) {
		select {
		case v := <-c:
			return v, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return lender[*conn]{"buffered channel", get, func(v *conn) { c <- v }, func() {}}
}

// ofNothing lends to the first and lets all others wait for their contexts.
func ofNothing() lender[*conn] {
	var lent atomic.Bool
	get := func(ctx context.Context) (*conn, error) {
		if lent.CompareAndSwap(false, true) {
			return &conn{}, nil
		}
		select {
		case <-make(chan struct{}, 1):
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	}
	return lender[*conn]{"a bare select", get, func(*conn) { lent.Store(false) }, func() {}}
}

func ofSemaphore(size int) lender[*conn] {
	s := semaphore.NewWeighted(int64(size))
	var mu sync.Mutex
	var stack []*conn
	for range size {
		stack = append(stack, &conn{})
	}
	get := func(ctx context.Context) (*conn, error) {
		if err := s.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return v, nil
	}
	put := func(v *conn) {
		mu.Lock()
		stack = append(stack, v)
		mu.Unlock()
		s.Release(1)
	}
	return lender[*conn]{"x/sync semaphore + stack", get, put, func() {}}
}

func ofCommons(size int) lender[any] {
	ctx := context.Background()
	c := commons.NewDefaultPoolConfig()
	c.MaxTotal, c.MaxIdle = size, size
	p := commons.NewObjectPool(ctx, commons.NewPooledObjectFactorySimple(func(context.Context) (any, error) {
		return &conn{}, nil
	}), c)
	put := func(v any) { check(p.ReturnObject(ctx, v)) }
	return lender[any]{"go-commons-pool", p.BorrowObject, put, func() { p.Close(ctx) }}
}

func ofSQL(size int) lender[*sql.Conn] {
	db := sql.OpenDB(connector{})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return lender[*sql.Conn]{"database/sql", db.Conn, func(c *sql.Conn) { check(c.Close()) }, func() { check(db.Close()) }}
}

// connector and sqlConn are a driver whose connections do nothing.
type connector struct{}

func (connector) Connect(context.Context) (driver.Conn, error) { return sqlConn{}, nil }
func (connector) Driver() driver.Driver                        { return nil }

type sqlConn struct{}

func (sqlConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (sqlConn) Close() error                        { return nil }
func (sqlConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }

func check(err error) {
	if err != nil {
		panic(err)
	}
}
