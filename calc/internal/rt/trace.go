package rt

import (
	"errors"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// An Activation is a call that is under way: the function, and the place in it that
// control has come to.
type Activation struct {
	Func *typed.Func
	Pos  syntax.Pos
}

// Trace makes a fault of an error with the calls that are under way, the innermost
// first; the last is the one that the engine was asked for. What happens in
// builtins that are written in calc has happened where they were called. file is
// that of a fault before any call.
func Trace(err error, calls []Activation, file string) *Fault {
	f := &Fault{Limit: errors.Is(err, ErrLimit), File: file, Pos: syntax.Pos{Line: 1, Col: 1}, Err: err}
	var visible []Activation
	for _, c := range calls {
		if !c.Func.Hidden {
			visible = append(visible, c)
		}
	}
	for i, c := range visible {
		if i == 0 {
			f.File, f.Pos = c.Func.File, c.Pos
		}
		if i+1 < len(visible) {
			at := visible[i+1]
			f.Stack = append(f.Stack, Frame{Name: c.Func.Name, File: at.Func.File, Pos: at.Pos})
		}
	}
	return f
}
