// Package rt is what the portable engines have in common: limits, faults, and the
// account of the memory that a run has taken.
package rt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Limits bound a run. Zero means no limit.
type Limits struct {
	Steps  int64 // calls and rounds of loops
	Memory int64 // bytes of objects that are alive
	Depth  int   // nested calls
}

// A Fault ends a run.
type Fault struct {
	Limit bool // a limit, or the end of the context
	File  string
	Pos   syntax.Pos
	Err   error
	Stack []Frame // innermost call first
}

// A Frame is an active call: the function and where it was called.
type Frame struct {
	Name string
	File string
	Pos  syntax.Pos
}

// ErrLimit is wrapped by the errors of limits.
var ErrLimit = errors.New("limit")

type limitError struct{ msg string }

func (e *limitError) Error() string        { return e.msg }
func (e *limitError) Is(target error) bool { return target == ErrLimit }

// canceled is the end of a context.
type canceled struct{ cause error }

func (e *canceled) Error() string        { return "canceled: " + e.cause.Error() }
func (e *canceled) Is(target error) bool { return target == ErrLimit }
func (e *canceled) Unwrap() error        { return e.cause }

// A State is the state of one run that builtins see. It implements typed.Machine.
type State struct {
	Limits Limits
	Out    io.Writer // nil discards
	// Live returns the bytes of the objects that are alive now.
	Live func() int64

	ctx   context.Context
	ended atomic.Bool // ctx has ended
	steps int64
	used  int64 // bytes since the last measurement, and those alive then
}

// Begin starts a run under ctx; what it returns ends it.
func (r *State) Begin(ctx context.Context) (end func() bool) {
	r.ctx, r.steps = ctx, 0
	r.ended.Store(ctx.Err() != nil)
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { r.ended.Store(true) })
}

// Poll fails if the context has ended.
func (r *State) Poll() error {
	if r.ended.Load() {
		return &canceled{context.Cause(r.ctx)}
	}
	return nil
}

// Step counts a call or a round of a loop.
func (r *State) Step() error {
	if r.Limits.Steps > 0 {
		if r.steps++; r.steps > r.Limits.Steps {
			return &limitError{fmt.Sprintf("more than %d steps", r.Limits.Steps)}
		}
	}
	return r.Poll()
}

// Allowance returns how many calls and rounds, at most most, may go by before Spend
// has to be told of them.
func (r *State) Allowance(most int64) int64 {
	if r.Limits.Steps > 0 {
		return max(0, min(most, r.Limits.Steps-r.steps))
	}
	return most
}

// Spend counts several calls and rounds at once.
func (r *State) Spend(n int64) error {
	if r.Limits.Steps > 0 {
		if r.steps += n; r.steps > r.Limits.Steps {
			return &limitError{fmt.Sprintf("more than %d steps", r.Limits.Steps)}
		}
	}
	return r.Poll()
}

// Grow accounts for bytes that are about to be taken. Past the limit it measures
// what is alive, since the rest belongs to Go's collector.
func (r *State) Grow(bytes int64) error {
	if r.Limits.Memory == 0 {
		return nil
	}
	if r.used += bytes; r.used <= r.Limits.Memory {
		return nil
	}
	// A run that needs almost all it may would measure all the time.
	r.used = r.Live() + bytes
	if r.used > r.Limits.Memory-r.Limits.Memory/64 || r.used < 0 {
		r.used = 0
		return MemoryError(r.Limits.Memory)
	}
	return nil
}

// MemoryError is the error of a run that needs more memory than it may have.
func MemoryError(limit int64) error {
	return &limitError{fmt.Sprintf("more than %d bytes of memory", limit)}
}

// MaxText bounds the bytes of one text.
func (r *State) MaxText() int64 {
	if r.Limits.Memory == 0 {
		return 1 << 40
	}
	return r.Limits.Memory
}

// Print writes output.
func (r *State) Print(text string) error {
	if r.Out == nil {
		return nil
	}
	if _, err := io.WriteString(r.Out, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// A Meter adds up the bytes of objects that can be reached. The zero Meter is
// ready for use.
type Meter struct {
	Bytes int64
	seen  map[*value.Obj]struct{}
	todo  []*value.Obj
}

// objectBytes is what an object takes besides its contents, about.
const objectBytes = 32

// Add adds an object and all that it refers to.
func (m *Meter) Add(p *value.Obj) {
	m.push(p)
	for len(m.todo) > 0 {
		p := m.todo[len(m.todo)-1]
		m.todo = m.todo[:len(m.todo)-1]
		m.contents(p)
	}
}

// AddAll adds what values refer to.
func (m *Meter) AddAll(list []value.Value) {
	for _, v := range list {
		if v.P != nil {
			m.Add(v.P)
		}
	}
}

func (m *Meter) push(p *value.Obj) {
	if p == nil {
		return
	}
	if _, ok := m.seen[p]; ok {
		return
	}
	if m.seen == nil {
		m.seen = make(map[*value.Obj]struct{})
	}
	m.seen[p] = struct{}{}
	m.Bytes += objectBytes
	switch p.Kind { // without anything to follow
	case value.KStr:
		m.Bytes += int64(len(p.Str()))
	case value.KWords:
		m.Bytes += int64(cap(p.Words().A)) * 8
	case value.KBytes:
		m.Bytes += int64(cap(p.Bytes().A))
	case value.KBoxInt, value.KBoxFloat, value.KBoxBool, value.KOpaque:
	default:
		m.todo = append(m.todo, p)
	}
}

func (m *Meter) contents(p *value.Obj) {
	switch p.Kind {
	case value.KRefs:
		a := p.Refs().A
		m.Bytes += int64(cap(a)) * 8
		for _, q := range a {
			m.push(q)
		}
	case value.KStruct:
		s := p.Struct()
		m.Bytes += int64(len(s.N)+len(s.P)) * 8
		for _, q := range s.P {
			m.push(q)
		}
	case value.KMap:
		m.Bytes += int64(p.Map().Bytes())
		for k, v := range p.Map().All() {
			m.push(k.P)
			m.push(v.P)
		}
	case value.KClosure:
		for _, v := range p.Closure().Env {
			m.push(v.P)
		}
	case value.KCell:
		m.push(p.Cell().V.P)
	}
}
