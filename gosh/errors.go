package gosh

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/groundwork-go/groundwork/gosh/syntax"
)

// An ExitError is the status of a script that is not zero.
type ExitError struct {
	Status int
	Signal syscall.Signal // that killed the last command; 0 if none did
}

// Error tells the status.
func (e *ExitError) Error() string {
	if e.Signal != 0 {
		return fmt.Sprintf("exit status %d (%v)", e.Status, e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.Status)
}

// A SyntaxError is a fault of a script; nothing of it has run.
type SyntaxError struct {
	Name       string // of the script
	Pos        syntax.Pos
	Msg        string
	Incomplete bool // more input could mend it
}

// Error returns name, position and message.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%v: %s", e.Name, e.Pos, e.Msg) }

// ErrLimit is wrapped by the error of a script that reached one of its [Limits].
var ErrLimit = errors.New("gosh: limit reached")

// unwinding is how a script leaves commands early. Only exec.go makes and sees it.
type unwinding struct {
	kind   unwindKind
	levels int // of break and continue
	status int
	err    error // of unwindFatal: the context's, or a limit's
}

type unwindKind int

const (
	unwindBreak unwindKind = iota
	unwindContinue
	unwindReturn
	unwindExit
	unwindFatal
)
