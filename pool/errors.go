package pool

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned by calls on a pool that has been closed or drained,
	// and to those who were waiting when that happened.
	ErrClosed = errors.New("pool: closed")

	// ErrConfig is wrapped by the errors of Open; the text names the field.
	ErrConfig = errors.New("pool: bad options")
)

// A PanicError carries a panic of the user's factory to the caller whose
// creation it was.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack of the goroutine that panicked, as text
}

// Error names the value that was passed to panic.
func (e *PanicError) Error() string {
	return fmt.Sprintf("pool: factory panicked: %v", e.Value)
}
