// Package native compiles programs that compute with numbers, bools and lists of them
// to machine code for amd64.
//
// Values are words in registers and in frames on a stack of their own; lists live in
// a heap of their own, of which Go's collector knows nothing. RSP is that stack,
// R15 the context that Go and the code share, R14 the calls and rounds of loops
// until the code has to come back to Go. RAX, RCX, RDX, XMM0 and XMM1 are scratch;
// all other registers hold values. A call keeps no register: what lives across one
// is in the frame, where the collector finds it.
//
// Values get registers in the order of how often they are used for the time they
// live, loops counting more, and may share one as long as they are not needed at
// the same time. A linear scan, in the order in which values begin to live, with the
// least used one giving way, was built and measured beside it (bench -only native):
// 1.08 against 1.11 of gcc's time over the four programs, which is the noise of
// that machine, so that the order which also uses the holes of lives was kept.
//
// The code leaves to Go for what it does not do itself (output, memory, functions
// that are not instructions), for errors, and about every half a millisecond, by
// returning; it is entered again behind that place.
package native

import (
	"errors"
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// ErrSubset is wrapped by the error of a program that uses more than numbers, bools
// and lists of them.
var ErrSubset = errors.New("not for the native engine")

const (
	maxValues = 20_000 // of a function
	maxArgs   = 10     // in registers, of each kind
	maxOut    = 60     // what Go is given at once
)

// isList tells whether the native heap has lists of that type.
func isList(t *types.Type) bool {
	t = t.Decided()
	return t.Kind == types.KList && t.Elem.IsWord()
}

func isValue(t *types.Type) bool { return t.IsWord() || isList(t) }

// checkProgram returns why a program cannot be compiled, or nil.
func checkProgram(p *ir.Program) error {
	for _, f := range p.Funcs {
		if err := checkFunc(f); err != nil {
			return err
		}
	}
	for _, v := range p.Typed.Env {
		if !isValue(v.Type) {
			return fmt.Errorf("%w: the host's %s is a %v", ErrSubset, v.Name, v.Type)
		}
	}
	if p.Typed.Args != nil {
		return fmt.Errorf("%w: args", ErrSubset)
	}
	return nil
}

func checkFunc(f *ir.Func) error {
	refuse := func(what any) error {
		return fmt.Errorf("%w: %s uses %v", ErrSubset, f.Name(), what)
	}
	if f.NumValues() > maxValues {
		return refuse("many variables")
	}
	if len(f.Typed.Captures) > 0 {
		return refuse("closures")
	}
	words, floats := 0, 0
	for _, p := range f.Typed.Params {
		switch {
		case !isValue(p.Type):
			return refuse(p.Type)
		case p.Type.Is(types.KFloat):
			floats++
		default:
			words++
		}
	}
	if words > maxArgs || floats > maxArgs {
		return refuse("many parameters")
	}
	if r := f.Typed.Result; r.IsValue() && !isValue(r) {
		return refuse(r)
	}
	folded := foldedTexts(f)
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if what := unfit(v, folded); what != nil {
				return refuse(what)
			}
		}
	}
	return nil
}

// unfit returns what of an instruction is not in the subset, or nil.
func unfit(v *ir.Value, folded map[*ir.Value]bool) any {
	switch v.Op {
	case ir.Const, ir.Param, ir.Phi, ir.Not, ir.ToFloat, ir.ToInt, ir.Math, ir.Math2, ir.Call,
		ir.Object: // of which use is made only by what Go is given
		return nil
	case ir.Global, ir.SetGlobal:
		if t := v.Aux.(*typed.Var).Type; !isValue(t) {
			return t
		}
		return nil
	case ir.Len, ir.Index, ir.SetIndex, ir.Push, ir.NewList:
		if value.Rep(v.Bits&0xff) == value.RepRef {
			return "lists of lists"
		}
		return nil
	case ir.Builtin:
		return unfitBuiltin(v, folded)
	}
	if v.Op >= ir.Add && v.Op <= ir.FGe {
		return nil
	}
	return v.Op
}

func unfitBuiltin(v *ir.Value, folded map[*ir.Value]bool) any {
	b := v.Aux.(*typed.Builtin)
	if countLeaves(v, folded) > maxOut {
		return "many arguments"
	}
	if !folded[v] && b.Result.IsValue() && !isValue(b.Result) {
		return b.Name
	}
	for _, a := range v.Args {
		if a.Type == ir.Ref && !folded[a] && a.Op != ir.Object && !listValue(a, nil) {
			return b.Name
		}
	}
	return nil
}

// listValue tells whether a reference is one to a list of the native heap. What
// phis join is what leads to them.
func listValue(v *ir.Value, seen []*ir.Value) bool {
	for _, s := range seen {
		if s == v {
			return true
		}
	}
	switch v.Op {
	case ir.Object, ir.Invalid:
		return false
	case ir.Phi:
		if len(seen) > 50 {
			return false
		}
		for _, a := range v.Args {
			if !listValue(a, append(seen, v)) {
				return false
			}
		}
	case ir.Builtin:
		return isList(v.Aux.(*typed.Builtin).Result)
	}
	return true
}

// countLeaves counts what Go is given for a call of a builtin.
func countLeaves(v *ir.Value, folded map[*ir.Value]bool) int {
	n := 0
	for _, a := range v.Args {
		if folded[a] {
			n += countLeaves(a, folded)
		} else {
			n++
		}
	}
	return n
}

// foldedTexts finds the builtins that make texts for another builtin and nothing
// else: Go does them together with that, if nothing happens in between.
func foldedTexts(f *ir.Func) map[*ir.Value]bool {
	uses := make([]int, f.NumValues())
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for _, a := range v.Args {
				uses[a.ID]++
			}
		}
		if b.Control != nil {
			uses[b.Control.ID]++
		}
	}
	folded := make(map[*ir.Value]bool)
	for _, b := range f.Blocks {
		var pending []*ir.Value // texts that wait for their use
		for _, v := range b.Values {
			if v.Op == ir.Const || v.Op == ir.Object || v.Op == ir.ToFloat {
				continue
			}
			if v.Op != ir.Builtin {
				if v.CanFail() || v.Type == ir.None {
					pending = nil
				}
				continue
			}
			n := 0
			for _, a := range v.Args {
				for _, p := range pending {
					if a == p {
						n++
					}
				}
			}
			if n == len(pending) { // all that waits is for this one
				for _, p := range pending {
					folded[p] = true
				}
				pending = nil
			}
			if v.Aux.(*typed.Builtin).Result.Is(types.KString) && uses[v.ID] == 1 {
				pending = append(pending, v)
			} else {
				pending = nil
			}
		}
	}
	return folded
}
