// Package tree is the reference engine: it walks the checked tree, node by node.
// It is written to be read; other engines must give the same results.
package tree

import (
	"context"
	"fmt"
	"io"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Limits bound a run. Zero means no limit.
type Limits struct {
	Steps  int64 // rounds of loops and calls
	Memory int64 // bytes of strings that are alive
	Depth  int   // nested calls
}

// Cause tells what ended a run.
type Cause int

// The causes.
const (
	Fault    Cause = iota // of the program: division by zero, error(...)
	Exceeded              // a limit
	Canceled              // the context ended
	Failed                // the output could not be written
)

// An Error is what ends a run early.
type Error struct {
	Cause Cause
	Pos   syntax.Pos
	Err   error
	Stack []Frame // innermost call first
}

// Error returns the message.
func (e *Error) Error() string { return e.Err.Error() }

// A Frame is an active call.
type Frame struct {
	Name string
	Pos  syntax.Pos // where it was called
}

// maxNodes bounds the nesting of evaluation, so that deep calls of deeply nested
// expressions cannot exhaust Go's stack.
const maxNodes = 400_000

// Run runs a program. env are the host's values in the order of p.Env. out may be
// nil. The value is meaningless if p.Result is not a type of values.
func Run(ctx context.Context, p *typed.Program, env []value.Value, out io.Writer, limits Limits) (value.Value, *Error) {
	in := &interp{ctx: ctx, out: out, limits: limits}
	top := &frame{fn: p.Main, slots: make([]value.Value, p.Main.Slots)}
	copy(top.slots, env)
	in.top = top
	if err := ctx.Err(); err != nil {
		return value.Value{}, &Error{Cause: Canceled, Err: err}
	}
	v, end := in.eval(p.Main.Body, top)
	if end == failed {
		return value.Value{}, in.err
	}
	return v, nil
}

// frame holds the variables of one call.
type frame struct {
	fn     *typed.Func
	slots  []value.Value
	outer  *frame // of the function in which fn is declared
	caller *frame
	pos    syntax.Pos // of the call
}

// ending tells how a node ended.
type ending int

const (
	normal ending = iota
	broke
	continued
	returned // the value is that of the return
	failed   // interp.err says why
)

type interp struct {
	ctx    context.Context
	out    io.Writer
	limits Limits
	top    *frame // innermost call
	calls  int    // nested
	nodes  int    // nested
	steps  int64
	bytes  int64 // of strings made since the last count of live ones
	err    *Error
}

func (in *interp) fail(cause Cause, pos syntax.Pos, err error) (value.Value, ending) {
	in.err = &Error{Cause: cause, Pos: pos, Err: err}
	for f := in.top; f.caller != nil; f = f.caller {
		in.err.Stack = append(in.err.Stack, Frame{f.fn.Name, f.pos})
	}
	return value.Value{}, failed
}

func (in *interp) fault(pos syntax.Pos, format string, args ...any) (value.Value, ending) {
	return in.fail(Fault, pos, fmt.Errorf(format, args...))
}

// step counts a call or a round of a loop.
func (in *interp) step(pos syntax.Pos) bool {
	in.steps++
	if in.limits.Steps > 0 && in.steps > in.limits.Steps {
		in.fail(Exceeded, pos, fmt.Errorf("more than %d steps", in.limits.Steps))
		return false
	}
	if in.steps%1024 == 0 {
		if err := in.ctx.Err(); err != nil {
			in.fail(Canceled, pos, err)
			return false
		}
	}
	return true
}

// grow accounts for a new string of n bytes before it is made.
func (in *interp) grow(pos syntax.Pos, n int) bool {
	if in.limits.Memory == 0 {
		return true
	}
	if in.bytes += int64(n); in.bytes <= in.limits.Memory && int64(n) <= in.limits.Memory {
		return true
	}
	in.bytes = int64(n)
	for f := in.top; f != nil; f = f.caller {
		for _, v := range f.slots {
			in.bytes += int64(len(v.Str()))
		}
	}
	if in.bytes > in.limits.Memory || int64(n) > in.limits.Memory {
		in.fail(Exceeded, pos, fmt.Errorf("more than %d bytes of memory", in.limits.Memory))
		return false
	}
	return true
}

// slot finds a variable up functions outside of f.
func (f *frame) slot(up, i int) *value.Value {
	for ; up > 0; up-- {
		f = f.outer
	}
	return &f.slots[i]
}

func (in *interp) eval(n typed.Node, f *frame) (value.Value, ending) {
	if in.nodes++; in.nodes > maxNodes {
		in.nodes--
		return in.fault(f.pos, "stack overflow")
	}
	v, end := in.node(n, f)
	in.nodes--
	return v, end
}

func (in *interp) node(n typed.Node, f *frame) (value.Value, ending) {
	switch n := n.(type) {
	case *typed.Const:
		return n.V, normal
	case *typed.Local:
		return *f.slot(n.Up, n.Slot), normal
	case *typed.Store:
		v, end := in.eval(n.Value, f)
		if end == normal {
			*f.slot(n.Up, n.Slot) = v
		}
		return value.Value{}, end
	case *typed.ToFloat:
		v, end := in.eval(n.X, f)
		if end == normal {
			v = value.FromFloat(float64(v.Int()))
		}
		return v, end
	case *typed.ToText:
		v, end := in.eval(n.X, f)
		if end == normal {
			v = value.FromString(value.Text(n.X.Type(), v))
		}
		return v, end
	case *typed.Concat:
		return in.concat(n, f)
	case *typed.Unary:
		v, end := in.eval(n.X, f)
		if end == normal {
			v = unary(n, v)
		}
		return v, end
	case *typed.Binary:
		x, end := in.eval(n.X, f)
		if end != normal {
			return x, end
		}
		y, end := in.eval(n.Y, f)
		if end != normal {
			return y, end
		}
		return in.binary(n, x, y)
	case *typed.Logic:
		v, end := in.eval(n.X, f)
		if end != normal || v.Bool() != n.And {
			return v, end
		}
		return in.eval(n.Y, f)
	case *typed.Call:
		return in.call(n, f)
	case *typed.CallBuiltin:
		return in.callBuiltin(n, f)
	case *typed.ByteAt:
		return in.byteAt(n, f)
	case *typed.Slice:
		return in.slice(n, f)
	case *typed.If:
		v, end := in.eval(n.Cond, f)
		switch {
		case end != normal:
			return v, end
		case v.Bool():
			return in.eval(n.Then, f)
		case n.Else != nil:
			return in.eval(n.Else, f)
		}
		return value.Value{}, normal
	case *typed.Block:
		var v value.Value
		for _, m := range n.Nodes {
			var end ending
			if v, end = in.eval(m, f); end != normal {
				return v, end
			}
		}
		return v, normal
	case *typed.While:
		return in.while(n, f)
	case *typed.Count:
		return in.count(n, f)
	case *typed.Return:
		if n.Value == nil {
			return value.Value{}, returned
		}
		v, end := in.eval(n.Value, f)
		if end == normal {
			end = returned
		}
		return v, end
	case *typed.Branch:
		if n.Continue {
			return value.Value{}, continued
		}
		return value.Value{}, broke
	}
	panic(fmt.Sprintf("tree: node %T", n))
}

func (in *interp) while(n *typed.While, f *frame) (value.Value, ending) {
	for {
		if !in.step(n.Pos) {
			return value.Value{}, failed
		}
		if n.Cond != nil {
			v, end := in.eval(n.Cond, f)
			if end != normal || !v.Bool() {
				return v, end
			}
		}
		switch v, end := in.eval(n.Body, f); end {
		case broke:
			return value.Value{}, normal
		case returned, failed:
			return v, end
		}
	}
}

func (in *interp) count(n *typed.Count, f *frame) (value.Value, ending) {
	from, end := in.eval(n.From, f)
	if end != normal {
		return from, end
	}
	to, end := in.eval(n.To, f)
	if end != normal {
		return to, end
	}
	last := to.Int()
	if i := from.Int(); i > last || i == last && !n.Inclusive {
		return value.Value{}, normal
	}
	if !n.Inclusive {
		last--
	}
	// i == last is tested before i++, so that a loop up to maxInt ends.
	for i := from.Int(); ; i++ {
		if !in.step(n.Pos) {
			return value.Value{}, failed
		}
		f.slots[n.Slot] = value.FromInt(i)
		switch v, end := in.eval(n.Body, f); end {
		case broke:
			return value.Value{}, normal
		case returned, failed:
			return v, end
		}
		if i == last {
			return value.Value{}, normal
		}
	}
}

func (in *interp) call(n *typed.Call, f *frame) (value.Value, ending) {
	callee := &frame{fn: n.Func, slots: make([]value.Value, n.Func.Slots), caller: f, pos: n.Pos}
	for i, a := range n.Args {
		v, end := in.eval(a, f)
		if end != normal {
			return v, end
		}
		callee.slots[i] = v
	}
	if !in.step(n.Pos) {
		return value.Value{}, failed
	}
	if in.limits.Depth > 0 && in.calls >= in.limits.Depth {
		return in.fault(n.Pos, "stack overflow")
	}
	callee.outer = f
	for range n.Up {
		callee.outer = callee.outer.outer
	}
	in.calls++
	in.top = callee
	v, end := in.eval(n.Func.Body, callee)
	in.top = f
	in.calls--
	if end == returned {
		end = normal
	}
	return v, end
}

func (in *interp) callBuiltin(n *typed.CallBuiltin, f *frame) (value.Value, ending) {
	args := make([]value.Value, len(n.Args))
	size := 0
	for i, a := range n.Args {
		v, end := in.eval(a, f)
		if end != normal {
			return v, end
		}
		args[i] = v
		size += len(v.Str())
	}
	if n.Func.Name == "print" && n.Func.Call == nil {
		if in.out != nil {
			if _, err := io.WriteString(in.out, args[0].Str()); err != nil {
				return in.fail(Failed, n.Pos, fmt.Errorf("print: %w", err))
			}
		}
		return value.Value{}, normal
	}
	if n.Func.Grows != nil {
		size = n.Func.Grows(args)
	}
	if n.Func.Result == value.String && !in.grow(n.Pos, size) {
		return value.Value{}, failed
	}
	v, err := n.Func.Call(args)
	if err != nil {
		return in.fail(Fault, n.Pos, err)
	}
	return v, normal
}

func (in *interp) concat(n *typed.Concat, f *frame) (value.Value, ending) {
	var text []byte
	for _, p := range n.Parts {
		v, end := in.eval(p, f)
		if end != normal {
			return v, end
		}
		if !in.grow(n.Pos, len(v.Str())) {
			return value.Value{}, failed
		}
		text = append(text, v.Str()...)
	}
	return value.FromString(string(text)), normal
}

func (in *interp) byteAt(n *typed.ByteAt, f *frame) (value.Value, ending) {
	x, end := in.eval(n.X, f)
	if end != normal {
		return x, end
	}
	i, end := in.eval(n.I, f)
	if end != normal {
		return i, end
	}
	if s := x.Str(); i.Int() >= 0 && i.Int() < int64(len(s)) {
		return value.FromInt(int64(s[i.Int()])), normal
	}
	return in.fault(n.Pos, "index out of range: %d of %d", i.Int(), len(x.Str()))
}

func (in *interp) slice(n *typed.Slice, f *frame) (value.Value, ending) {
	x, end := in.eval(n.X, f)
	if end != normal {
		return x, end
	}
	s := x.Str()
	bounds := [2]int64{0, int64(len(s))}
	for k, b := range []typed.Node{n.From, n.To} {
		if b == nil {
			continue
		}
		v, end := in.eval(b, f)
		if end != normal {
			return v, end
		}
		bounds[k] = v.Int()
	}
	switch {
	case bounds[1] < 0 || bounds[1] > int64(len(s)):
		return in.fault(n.Pos, "index out of range: %d of %d", bounds[1], len(s))
	case bounds[0] < 0 || bounds[0] > bounds[1]:
		return in.fault(n.Pos, "index out of range: %d of %d", bounds[0], bounds[1])
	}
	return value.FromString(s[bounds[0]:bounds[1]]), normal
}
