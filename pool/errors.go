package pool

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned by calls on a pool that has been closed or drained,
	// and to those who were waiting when that happened.
	ErrClosed = errors.New("pool: closed")

	// ErrConfig is wrapped by the errors of Open, Resize and Warm; the text names
	// the field or the argument.
	ErrConfig = errors.New("pool: bad options")

	// ErrNotAvailable is returned by GetTimeout when its time is over, and by
	// every Get that Options.RefuseLate turns away.
	ErrNotAvailable = errors.New("pool: no resource in time")

	// ErrTooManyWaiters is returned to a caller who would have had to wait behind
	// Options.MaxWaiters others.
	ErrTooManyWaiters = errors.New("pool: too many waiters")
)

// A PanicError carries a panic of the user's code: to the caller whose creation
// or check it was, otherwise to Hooks.OnPanic.
type PanicError struct {
	Op    string // the Options field that panicked: "New", "Check", "Hooks.OnAcquire"
	Value any    // what was passed to panic; nil if the goroutine was ended by runtime.Goexit
	Stack []byte // the stack of the goroutine that panicked, as text
}

// Error names the function and the value that was passed to panic.
func (e *PanicError) Error() string {
	return fmt.Sprintf("pool: %s panicked: %v", e.Op, e.Value)
}

// Unwrap returns the value that was passed to panic where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
