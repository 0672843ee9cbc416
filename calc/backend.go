package calc

import (
	"context"
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/native"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/tree"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/internal/vm"
)

// Backend is what runs programs. All give the same results, outputs and errors, to
// the byte; only where a limit strikes may differ.
type Backend int

// The backends.
const (
	Auto Backend = iota // the fastest that there is
	Tree                // walks the tree: the reference, written for reading
	VM                  // a register machine
	JIT                 // machine code, where there is any; see [Program.Backend]
)

var backendNames = [...]string{"auto", "tree", "vm", "jit"}

// String returns the name of the backend, as "vm".
func (b Backend) String() string {
	if b < 0 || int(b) >= len(backendNames) {
		return fmt.Sprintf("Backend(%d)", int(b))
	}
	return backendNames[b]
}

// Available tells whether the backend is there on this system. One that is not may be
// asked for all the same: the program then runs on the next best.
func (b Backend) Available() bool { return b != JIT || native.Available() }

// image is a program in the forms that its backend needs.
type image struct {
	prog *typed.Program
	ir   *ir.Program // nil for Tree
	tree *tree.Code
	vm   *vm.Code
	jit  *native.Code
	// whyNot says why a program that may be machine code is not.
	whyNot error
}

// backend returns what runs the image.
func (img *image) backend() Backend {
	switch {
	case img.jit != nil:
		return JIT
	case img.vm != nil:
		return VM
	}
	return Tree
}

// image prepares a program to be run. before is that of the inputs of a session
// before this one; session tells that there may be later ones.
func (c *compiler) image(prog *typed.Program, before *image, session bool) (*image, error) {
	if before == nil {
		before = &image{}
	}
	if c.o.Backend != Tree {
		img, err := c.code(func() (*ir.Program, error) { return c.intermediate(prog, before, session), nil }, before, session)
		if err == nil || session {
			return img, err
		}
	}
	return &image{prog: prog, tree: tree.Compile(prog, before.tree)}, nil
}

// intermediate makes the intermediate form of a program.
func (c *compiler) intermediate(prog *typed.Program, before *image, session bool) *ir.Program {
	code := ir.Build(prog, before.ir, ir.Options{Session: session})
	first := 0
	if before.ir != nil {
		first = len(before.ir.Funcs)
	}
	code.Optimize(first, ir.Passes{Verify: c.o.verify})
	return code
}

// code makes what runs the intermediate form that form returns, which it may call
// twice: making machine code changes it.
func (c *compiler) code(form func() (*ir.Program, error), before *image, session bool) (*image, error) {
	p, err := form()
	if err != nil {
		return nil, err
	}
	img := &image{prog: p.Typed, ir: p}
	if !session && (c.o.Backend == Auto || c.o.Backend == JIT) {
		var pages *native.Image
		if pages, img.whyNot = native.Compile(p, native.Options{}); img.whyNot == nil {
			if img.jit, img.whyNot = native.Load(pages); img.whyNot == nil {
				return img, nil
			}
			// The system refuses executable memory.
			if img.ir, err = form(); err != nil {
				return nil, err
			}
		}
	}
	if img.vm, err = vm.Compile(img.ir, before.vm); err != nil {
		return nil, fmt.Errorf("calc: %w", err)
	}
	return img, nil
}

// machine runs images of one kind.
type machine interface {
	typed.Machine
	Close()
	run(ctx context.Context, img *image, env []value.Value, args []string) (value.Value, *rt.Fault)
	Call(ctx context.Context, fn *typed.Func, args []value.Value) (value.Value, *rt.Fault)
}

type treeMachine struct{ *tree.Machine }

func (m treeMachine) run(ctx context.Context, img *image, env []value.Value, args []string) (value.Value, *rt.Fault) {
	return m.Run(ctx, img.tree, env, args)
}

func (m treeMachine) Close() {}

type vmMachine struct{ *vm.Machine }

func (m vmMachine) Close() {}

type nativeMachine struct{ *native.Machine }

func (m nativeMachine) run(ctx context.Context, _ *image, env []value.Value, _ []string) (value.Value, *rt.Fault) {
	return m.Run(ctx, env)
}

func (m vmMachine) run(ctx context.Context, img *image, env []value.Value, args []string) (value.Value, *rt.Fault) {
	return m.Run(ctx, img.vm, env, args)
}

func (c *compiler) limits() rt.Limits {
	l := c.o.Limits
	return rt.Limits{Steps: l.Steps, Memory: l.Memory, Depth: l.Depth}
}

// machine returns a machine for an image.
func (c *compiler) machine(img *image) machine {
	limits := c.limits()
	switch {
	case img.jit != nil:
		m := native.New(img.jit)
		m.Limits, m.Out, m.Stress = limits, c.o.Output, c.o.stress
		return nativeMachine{m}
	case img.tree != nil:
		m := tree.New()
		m.Limits, m.Out = limits, c.o.Output
		return treeMachine{m}
	}
	m := vm.New()
	m.Limits, m.Out = limits, c.o.Output
	return vmMachine{m}
}
