package pool

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"
)

// Options tune a pool opened with [Open]. Times are kept to about 10 ms.
type Options[T any] struct {
	// MaxSize bounds the resources that exist at one time: lent, idle, in the
	// making and being ended. It must be at least 1. [Pool.Resize] changes it.
	MaxSize int

	// MinIdle is how many idle resources are kept ready, as far as MaxSize
	// allows. They are made in the background from Open on, and the replacement
	// of one whose lifetime ends is made before it goes. Zero keeps none.
	MinIdle int

	// MaxIdle bounds the idle resources: more that come back are destroyed. Zero
	// means MaxSize. A bound costs the lock-free path.
	MaxIdle int

	// MaxWaiters bounds the callers who wait for a resource of others; who comes
	// after them gets ErrTooManyWaiters at once. Zero means no bound.
	MaxWaiters int

	// RefuseLate turns a caller away at once with ErrNotAvailable when the
	// queue before it, at the rate at which it has moved of late, will outlast the
	// deadline of its context or its timeout.
	RefuseLate bool

	// New makes a resource. It must not be nil. Its context is cancelled by
	// Close and Drain, never by the end of a caller's context.
	New func(ctx context.Context) (T, error)

	// Destroy ends a resource. Nil does nothing.
	Destroy func(T)

	// Check, if not nil, tells whether a resource that was idle still works; one
	// with an error is destroyed and the caller gets the next. One whose Check
	// has not returned after CheckTimeout is destroyed while Check still runs,
	// which is what wakes a read from a dead connection.
	Check func(ctx context.Context, v T) error

	// CheckAfterIdle is the idle time from which on a resource is checked before
	// it is lent. Zero means 1 s; up to 10 ms means always.
	CheckAfterIdle time.Duration

	// CheckTimeout bounds one Check. Zero means 1 s.
	CheckTimeout time.Duration

	// KeepAlive is the idle time after which, and then at which interval, Check
	// is called in the background, a quarter of the idle ones at a time. Zero
	// means never.
	KeepAlive time.Duration

	// MaxLifetime is the age at which a resource is destroyed, if it is lent then
	// as soon as it comes back. Zero means no bound.
	MaxLifetime time.Duration

	// LifetimeJitter is by how much at most, at random, each resource's lifetime
	// is shortened, so that not all end at once. Zero means a tenth of
	// MaxLifetime.
	LifetimeJitter time.Duration

	// IdleTimeout is the idle time after which a resource beyond MinIdle is
	// destroyed. Zero means never.
	IdleTimeout time.Duration

	// Backoff, if not nil, gives the pause after so many failures of New in a
	// row. Until New succeeds again it is called once at a time, after each
	// pause; callers wait for that or for what comes back, and when nothing is
	// left that could come back they all get the error. Nil means that every
	// caller tries. See [ExponentialBackoff].
	Backoff func(failures int) time.Duration

	// LeakAfter is the time after which a loan is reported to Hooks.OnLeak and
	// Logger, once. Zero means never.
	LeakAfter time.Duration

	// Hooks are called as things happen.
	Hooks Hooks[T]

	// Logger, if not nil, gets failures of New, panics and leaks.
	Logger *slog.Logger

	// Debug records the stack of each loan, for WriteDump, leaks and the texts of
	// misuse. A loan then costs about a microsecond.
	Debug bool
}

// Hooks are called as things happen in a pool, never under its lock, on the
// goroutine where it happens; nil ones are not called. Their panics are counted
// and told to OnPanic. OnAcquire and OnRelease cost the lock-free path.
type Hooks[T any] struct {
	OnCreate      func(v T, took time.Duration)       // New succeeded
	OnCreateError func(err error, took time.Duration) // New failed or panicked
	OnAcquire     func(v T, waited time.Duration)     // v is about to be lent
	OnRelease     func(v T)                           // v came back by Release
	OnHijack      func(v T)                           // v was taken out by Hijack
	OnDestroy     func(v T, why Reason)               // v is about to be destroyed
	OnCancel      func(err error)                     // a caller left the queue with err
	OnLeak        func(h Holder)                      // a loan is older than LeakAfter
	OnPanic       func(err *PanicError)               // Destroy or a hook panicked
}

const (
	defaultCheckAfterIdle = time.Second
	defaultCheckTimeout   = time.Second
)

// settle returns o with its defaults filled in.
func (o *Options[T]) settle() (Options[T], error) {
	if o == nil {
		return Options[T]{}, fmt.Errorf("%w: Options is nil, New is needed", ErrConfig)
	}
	c := *o
	switch {
	case c.MaxSize < 1:
		return c, fmt.Errorf("%w: MaxSize is %d, must be at least 1", ErrConfig, c.MaxSize)
	case c.New == nil:
		return c, fmt.Errorf("%w: New is nil", ErrConfig)
	case c.MinIdle > c.MaxSize:
		return c, fmt.Errorf("%w: MinIdle is %d, above MaxSize, which is %d", ErrConfig, c.MinIdle, c.MaxSize)
	case c.MaxIdle > 0 && c.MinIdle > c.MaxIdle:
		return c, fmt.Errorf("%w: MinIdle is %d, above MaxIdle, which is %d", ErrConfig, c.MinIdle, c.MaxIdle)
	case c.KeepAlive > 0 && c.Check == nil:
		return c, fmt.Errorf("%w: KeepAlive is set and Check is nil", ErrConfig)
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MinIdle", int64(c.MinIdle)}, {"MaxIdle", int64(c.MaxIdle)}, {"MaxWaiters", int64(c.MaxWaiters)},
		{"CheckAfterIdle", int64(c.CheckAfterIdle)}, {"CheckTimeout", int64(c.CheckTimeout)},
		{"KeepAlive", int64(c.KeepAlive)}, {"MaxLifetime", int64(c.MaxLifetime)},
		{"LifetimeJitter", int64(c.LifetimeJitter)}, {"IdleTimeout", int64(c.IdleTimeout)}, {"LeakAfter", int64(c.LeakAfter)},
	} {
		if f.value < 0 {
			return c, fmt.Errorf("%w: %s is negative", ErrConfig, f.name)
		}
	}
	if c.LifetimeJitter > c.MaxLifetime {
		return c, fmt.Errorf("%w: LifetimeJitter is %v, above MaxLifetime, which is %v", ErrConfig, c.LifetimeJitter, c.MaxLifetime)
	}
	setDefault(&c.CheckAfterIdle, defaultCheckAfterIdle)
	setDefault(&c.CheckTimeout, defaultCheckTimeout)
	setDefault(&c.LifetimeJitter, c.MaxLifetime/10)
	return c, nil
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d == 0 {
		*d = to
	}
}

// ExponentialBackoff returns a function for Options.Backoff: the pause begins at
// first, doubles with each failure up to most, and is shortened at random by up
// to half, so that many processes do not try in step.
func ExponentialBackoff(first, most time.Duration) func(failures int) time.Duration {
	return func(failures int) time.Duration {
		d := float64(first) * math.Exp2(float64(max(failures, 1)-1))
		d = min(d, float64(most))
		return time.Duration(d * (1 - rand.Float64()/2))
	}
}
