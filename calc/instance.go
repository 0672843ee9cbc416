package calc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// ErrClosed is returned by calls of an [Instance] that was closed.
var ErrClosed = errors.New("calc: instance is closed")

// InstanceOptions tune an Instance. A nil *InstanceOptions means the defaults.
type InstanceOptions struct {
	// Env holds the values of the names in Options.Env, as for [Program.Run].
	Env any
}

// An Instance is a program that has run its top level and keeps its variables, so
// that the host can call its functions. It may be used by several goroutines,
// whose calls run one after the other.
type Instance struct {
	program *Program
	mu      sync.Mutex
	machine machine // nil when closed; guarded by mu
}

// NewInstance runs the program's top level and keeps what it declared. A nil o means
// the defaults.
func (p *Program) NewInstance(ctx context.Context, o *InstanceOptions) (*Instance, error) {
	var env any
	if o != nil {
		env = o.Env
	}
	values, err := p.compiler.values(env)
	if err != nil {
		return nil, err
	}
	m := p.compiler.machine(p.image)
	if _, err := p.compiler.run(ctx, m, p.image, values); err != nil {
		m.Close()
		return nil, err
	}
	return &Instance{program: p, machine: m}, nil
}

// Call calls a function of the program's top level whose parameters all have
// types. The arguments are Go values that fit them; their number or types being
// wrong is an error before anything runs. The result is a copy.
func (in *Instance) Call(ctx context.Context, name string, args ...any) (Value, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.machine == nil {
		return Value{}, ErrClosed
	}
	fn := in.program.image.prog.Exports[name]
	if fn == nil {
		return Value{}, fmt.Errorf("calc: Call: the program has no function %s with typed parameters", name)
	}
	if len(args) != len(fn.Params) {
		return Value{}, fmt.Errorf("calc: Call: %s needs %d arguments, found %d", name, len(fn.Params), len(args))
	}
	values := make([]value.Value, len(args))
	for i, a := range args {
		var err error
		if values[i], err = in.program.compiler.bridge.in(fn.Params[i].Type, reflect.ValueOf(a)); err != nil {
			return Value{}, fmt.Errorf("calc: Call: argument %d of %s: %w", i+1, name, err)
		}
	}
	return in.call(ctx, fn, values)
}

// call is called with mu held.
func (in *Instance) call(ctx context.Context, fn *typed.Func, values []value.Value) (Value, error) {
	c := in.program.compiler
	v, fault := in.machine.Call(ctx, fn, values)
	if fault != nil {
		return Value{}, c.sources.fault(fault)
	}
	if fn.Result.Is(types.KNone) || fn.Result.Is(types.KNever) {
		return Value{}, nil
	}
	v, err := rt.Copy(v, in.machine)
	if err != nil {
		return Value{}, fmt.Errorf("calc: Call: result of %s: %w", fn.Name, err)
	}
	return newValue(fn.Result, v), nil
}

// Close frees what the instance holds. It waits for a call that is running.
func (in *Instance) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.machine != nil {
		in.machine.Close()
		in.machine = nil
	}
	return nil
}
