package native

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/groundwork-go/groundwork/calc/internal/amd64"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
)

// A Leaf is the code of a function that computes with its parameters and calls
// nothing, without loops: it needs neither a stack of its own nor to come back to
// Go, so that calling it takes a few nanoseconds. Any number of goroutines may
// call it at once.
type Leaf struct {
	base uintptr
}

// leafFrame bounds what a Leaf may take of Go's stack, in bytes.
const leafFrame = 256

// LoadLeaf makes a Leaf of a function of a program, or returns an error that wraps
// ErrSubset.
func LoadLeaf(f *ir.Func) (*Leaf, error) {
	if err := checkFunc(f); err != nil {
		return nil, err
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if calling(v) || v.Type == ir.Ref || v.Op == ir.Global || v.Op == ir.SetGlobal {
				return nil, fmt.Errorf("%w: %s is no leaf", ErrSubset, f.Name())
			}
		}
	}
	g := &generator{img: &Image{sites: make(map[int]*site)}, known: make(map[uint64]int), leaf: true}
	words, floats := 0, 0
	for i, p := range f.Params {
		m := amd64.At(rax, 8*i)
		if p.Type == ir.Float {
			g.LoadF(floatRegs[floats], m)
			floats++
		} else {
			g.Load(wordRegs[words], m)
			words++
		}
	}
	fn := &function{}
	g.function(f, fn)
	if fn.frame > leafFrame || g.loops {
		return nil, fmt.Errorf("%w: %s is no leaf", ErrSubset, f.Name())
	}
	g.constants()
	pages, err := executable(g.Code)
	if err != nil {
		return nil, err
	}
	l := &Leaf{base: uintptr(unsafe.Pointer(&pages[0]))}
	runtime.AddCleanup(l, release, pages)
	return l, nil
}

// Call computes the function's result from its arguments. ok is false if it has
// failed: run it with a Machine to learn why.
func (l *Leaf) Call(args *[4]uint64) (result uint64, ok bool) {
	result, failed := callLeaf(l.base, &args[0])
	runtime.KeepAlive(l)
	return result, failed == 0
}

// leaveLeaf returns to Go.
func (g *generator) leaveLeaf(failed int64) {
	if g.fn.frame > 0 {
		g.AluImm(amd64.AddOp, amd64.RSP, int32(g.fn.frame))
	}
	g.MovImm(rdx, failed)
	g.Ret()
}
