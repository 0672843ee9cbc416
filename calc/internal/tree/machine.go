package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// A Machine runs code. It keeps the globals from one run to the next; one goroutine
// may use it at a time.
type Machine struct {
	rt.State
	code    *Code
	globals []value.Value
	frames  []*frame // one for each depth, used again and again
	depth   int
	height  int           // of the trees of all active calls
	chunk   []value.Value // what is left for variables
	spare   []value.Value // a chunk that was dropped, so that calls at its edge do not make it anew
}

// frame is an active call.
type frame struct {
	m     *Machine
	fn    *function
	vars  []value.Value
	env   []value.Value // what the function captures
	pos   syntax.Pos    // of the call
	exit  exit
	value value.Value   // that is returned
	chunk []value.Value // the machine's before the call
}

// exit says why a block was left.
type exit uint8

const (
	broke exit = iota + 1
	continued
	returned
)

type fault struct {
	pos syntax.Pos
	err error
}

// New returns a machine without globals.
func New() *Machine {
	m := &Machine{}
	m.Live = m.live
	return m
}

// Run runs the top levels of code, after giving the host's values to the globals of
// env, and returns the value of the last one.
func (m *Machine) Run(ctx context.Context, code *Code, env []value.Value, args []string) (value.Value, *rt.Fault) {
	m.code = code
	if n := len(code.prog.Globals) - len(m.globals); n > 0 {
		m.globals = append(m.globals, make([]value.Value, n)...)
	}
	for i, v := range code.prog.Env {
		m.globals[v.Index] = env[i]
	}
	if a := code.prog.Args; a != nil && m.globals[a.Index].P == nil {
		refs := make([]*value.Obj, len(args))
		for i, s := range args {
			refs[i] = value.NewStr(s)
		}
		m.globals[a.Index] = value.Ref(value.NewRefs(refs))
	}
	var v value.Value
	for _, main := range code.prog.Mains {
		var err *rt.Fault
		if v, err = m.Call(ctx, main, nil); err != nil {
			return v, err
		}
	}
	return v, nil
}

// Call calls a function.
func (m *Machine) Call(ctx context.Context, fn *typed.Func, args []value.Value) (v value.Value, f *rt.Fault) {
	defer m.Begin(ctx)()
	defer func() {
		if r := recover(); r != nil {
			ft, ok := r.(*fault)
			if !ok {
				panic(r)
			}
			f = m.fault(ft)
			m.depth, m.height, m.chunk = 0, 0, nil
		}
	}()
	if err := m.Poll(); err != nil {
		panic(&fault{syntax.Pos{Line: 1, Col: 1}, err})
	}
	callee := m.push(m.code.funcs[fn.Index], nil, syntax.Pos{})
	copy(callee.vars, args)
	return m.invoke(callee), nil
}

// fault describes a fault with the calls that are active.
func (m *Machine) fault(ft *fault) *rt.Fault {
	f := &rt.Fault{Limit: errors.Is(ft.err, rt.ErrLimit), File: m.code.prog.Mains[len(m.code.prog.Mains)-1].File, Pos: ft.pos, Err: ft.err}
	hidden := true // the place is in a builtin written in calc
	for i := m.depth - 1; i >= 0; i-- {
		fr := m.frames[i]
		if hidden {
			if hidden = fr.fn.typed.Hidden; !hidden {
				f.File = fr.fn.typed.File
			} else {
				f.Pos = fr.pos
				continue
			}
		}
		if i > 0 && !fr.fn.typed.Hidden {
			f.Stack = append(f.Stack, rt.Frame{Name: fr.fn.typed.Name, File: m.caller(i), Pos: m.callPos(i)})
		}
	}
	return f
}

// callPos returns where the user's code called frame i, passing over builtins
// written in calc.
func (m *Machine) callPos(i int) syntax.Pos {
	for ; m.frames[i-1].fn.typed.Hidden; i-- {
	}
	return m.frames[i].pos
}

func (m *Machine) caller(i int) string {
	for i--; m.frames[i].fn.typed.Hidden; i-- {
	}
	return m.frames[i].fn.typed.File
}

// push makes the frame of a call, whose parameters are filled in next.
func (m *Machine) push(fn *function, env []value.Value, pos syntax.Pos) *frame {
	if m.depth == len(m.frames) {
		m.frames = append(m.frames, &frame{m: m})
	}
	f := m.frames[m.depth]
	f.fn, f.env, f.pos, f.exit = fn, env, pos, 0
	f.chunk = m.chunk
	if len(m.chunk) < fn.vars {
		if m.chunk = m.spare; len(m.chunk) < fn.vars {
			m.chunk = make([]value.Value, max(4096, fn.vars))
		}
		m.spare = m.chunk
	}
	f.vars = m.chunk[:fn.vars:fn.vars]
	m.chunk = m.chunk[fn.vars:]
	return f
}

// invoke runs a frame that push made, and drops it.
func (m *Machine) invoke(f *frame) value.Value {
	before := m.depth
	m.depth++
	m.height += f.fn.height
	if m.Limits.Depth > 0 && m.depth > m.Limits.Depth || m.height > maxHeight {
		m.depth--
		panic(&fault{f.pos, errOverflow})
	}
	for _, i := range f.fn.params {
		f.vars[i] = value.Ref(value.NewCell(f.vars[i]))
	}
	v := f.fn.body(f)
	if f.exit == returned {
		v = f.value
	}
	m.depth = before
	m.height -= f.fn.height
	clear(f.vars)
	m.chunk = f.chunk
	return v
}

// maxHeight bounds the nodes that are being computed at once, of which Go's stack
// of 1 GB holds more: each takes up to about 250 bytes of it.
const maxHeight = 3_000_000

var errOverflow = errors.New("stack overflow")

// step counts a call or a round.
func (m *Machine) step(pos syntax.Pos) {
	if err := m.Step(); err != nil {
		panic(&fault{pos, err})
	}
}

func (m *Machine) grow(pos syntax.Pos, bytes int) {
	if err := m.Grow(int64(bytes)); err != nil {
		panic(&fault{pos, err})
	}
}

func failf(pos syntax.Pos, format string, args ...any) {
	panic(&fault{pos, fmt.Errorf(format, args...)})
}

// live returns the bytes that frames and globals refer to.
func (m *Machine) live() int64 {
	var meter rt.Meter
	meter.AddAll(m.globals)
	for _, f := range m.frames[:m.depth] {
		meter.AddAll(f.vars)
		meter.AddAll(f.env)
	}
	return meter.Bytes
}
