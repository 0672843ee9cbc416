package workers

import (
	"fmt"

	"github.com/groundwork-go/groundwork/pool/internal/protect"
)

// A PanicError is the panic of a task.
type PanicError struct {
	Value any    // what was passed to panic; nil if the task called runtime.Goexit
	Stack []byte // the stack of the task, as text
}

// Error names the value that was passed to panic.
func (e *PanicError) Error() string { return fmt.Sprintf("workers: task panicked: %v", e.Value) }

// Unwrap returns the value that was passed to panic where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// guard calls f, and report if f panics or ends the goroutine, which report
// cannot keep from ending.
func guard(f func(), report func(*PanicError)) {
	protect.Call(f, func(value any, stack []byte) { report(&PanicError{Value: value, Stack: stack}) })
}
