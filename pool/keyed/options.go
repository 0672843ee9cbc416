package keyed

import (
	"context"
	"fmt"
	"time"

	"github.com/groundwork-go/groundwork/pool"
)

// The errors are those of package pool, so that callers of both need to know
// only one set.
var (
	// ErrClosed is returned by calls on a pool that has been closed, and to those
	// who were waiting when that happened.
	ErrClosed = pool.ErrClosed

	// ErrConfig is wrapped by the errors of Open; the text names the field.
	ErrConfig = pool.ErrConfig

	// ErrTooManyWaiters is returned to a caller who would have had to wait behind
	// Options.MaxWaiters others.
	ErrTooManyWaiters = pool.ErrTooManyWaiters
)

// Options tune a Pool.
type Options[K comparable, T any] struct {
	// MaxPerKey bounds the resources of one key: lent, idle, in the making and
	// being ended. Zero means MaxTotal.
	MaxPerKey int

	// MaxTotal bounds the resources of all keys. It must be at least 1.
	MaxTotal int

	// MaxWaiters bounds the callers of one key who wait for a resource of others;
	// who comes after them gets ErrTooManyWaiters at once. Zero means no bound.
	MaxWaiters int

	// MaxOvertakes is how many times a resource may go to a caller of its own key
	// although one of another key came first, who needs it destroyed to have room
	// for a new one. Zero keeps the order strictly: right where a creation is
	// cheap. A few times MaxTotal keeps resources in use where it is dear.
	MaxOvertakes int

	// New makes a resource of a key. It must not be nil. Its context is cancelled
	// by Close, never by the end of a caller's context.
	New func(ctx context.Context, key K) (T, error)

	// Destroy ends a resource. Nil does nothing.
	Destroy func(key K, v T)

	// Check, if not nil, tells whether a resource that was idle for at least
	// CheckAfterIdle still works; one with an error is destroyed and the caller
	// gets the next.
	Check func(ctx context.Context, key K, v T) error

	// CheckAfterIdle is the idle time from which on Check is called. Zero means
	// 1 s.
	CheckAfterIdle time.Duration

	// CheckTimeout bounds one Check, whose resource is destroyed when it is over.
	// Zero means 1 s.
	CheckTimeout time.Duration

	// MaxLifetime is the age at which a resource is not lent again. Zero means no
	// bound.
	MaxLifetime time.Duration

	// IdleTimeout is the idle time after which a resource is destroyed, and with
	// the last one of its key the key forgotten. Zero means never.
	IdleTimeout time.Duration

	// OnPanic, if not nil, is called with a panic of Destroy.
	OnPanic func(*pool.PanicError)
}

// settle returns o with its defaults filled in.
func (o *Options[K, T]) settle() (Options[K, T], error) {
	if o == nil {
		return Options[K, T]{}, fmt.Errorf("%w: Options is nil, New is needed", ErrConfig)
	}
	c := *o
	switch {
	case c.New == nil:
		return c, fmt.Errorf("%w: New is nil", ErrConfig)
	case c.MaxTotal < 1:
		return c, fmt.Errorf("%w: MaxTotal is %d, must be at least 1", ErrConfig, c.MaxTotal)
	case c.MaxPerKey > c.MaxTotal:
		return c, fmt.Errorf("%w: MaxPerKey is %d, above MaxTotal, which is %d", ErrConfig, c.MaxPerKey, c.MaxTotal)
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxPerKey", int64(c.MaxPerKey)}, {"MaxWaiters", int64(c.MaxWaiters)}, {"MaxOvertakes", int64(c.MaxOvertakes)},
		{"CheckAfterIdle", int64(c.CheckAfterIdle)}, {"CheckTimeout", int64(c.CheckTimeout)},
		{"MaxLifetime", int64(c.MaxLifetime)}, {"IdleTimeout", int64(c.IdleTimeout)},
	} {
		if f.value < 0 {
			return c, fmt.Errorf("%w: %s is negative", ErrConfig, f.name)
		}
	}
	if c.MaxPerKey == 0 {
		c.MaxPerKey = c.MaxTotal
	}
	if c.CheckAfterIdle == 0 {
		c.CheckAfterIdle = time.Second
	}
	if c.CheckTimeout == 0 {
		c.CheckTimeout = time.Second
	}
	return c, nil
}
