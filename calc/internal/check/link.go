package check

import (
	"maps"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
)

// link finds the functions that the top levels reach, numbers those that have no
// number yet, and finds which variables each captures.
func link(p *typed.Program) {
	l := &linker{prog: p}
	for _, m := range p.Mains {
		l.reach(m)
	}
	if len(p.Exports) > 0 {
		for _, name := range slices.Sorted(maps.Keys(p.Exports)) {
			l.reach(p.Exports[name])
		}
	}
	// What a function captures its callers have to hold.
	for changed := true; changed; {
		changed = false
		for _, f := range l.order {
			for _, callee := range l.calls[f] {
				for _, v := range callee.Captures {
					changed = l.capture(f, v) || changed
				}
			}
		}
	}
}

type linker struct {
	prog  *typed.Program
	seen  map[*typed.Func]bool // made when the second function is reached
	order []*typed.Func
	calls map[*typed.Func][]*typed.Func // or made into a value
}

func (l *linker) reach(f *typed.Func) {
	switch {
	case len(l.order) == 0:
	case l.seen == nil:
		l.seen = map[*typed.Func]bool{l.order[0]: true}
	}
	if l.seen[f] {
		return
	}
	if l.seen != nil {
		l.seen[f] = true
	}
	l.order = append(l.order, f)
	if i := f.Index; i >= len(l.prog.Funcs) || l.prog.Funcs[i] != f {
		f.Index = len(l.prog.Funcs)
		l.prog.Funcs = append(l.prog.Funcs, f)
	}
	l.visit(f, f.Body)
}

func (l *linker) visit(f *typed.Func, n typed.Node) {
	switch n := n.(type) {
	case *typed.Local:
		l.capture(f, n.Var)
	case *typed.Store:
		l.capture(f, n.Var)
	case *typed.Call:
		l.use(f, n.Func)
	case *typed.Closure:
		if n.Func != nil {
			l.use(f, n.Func)
		}
	}
	typed.Children(n, func(c typed.Node) { l.visit(f, c) })
}

func (l *linker) use(f, callee *typed.Func) {
	if l.calls == nil {
		l.calls = make(map[*typed.Func][]*typed.Func)
	}
	l.calls[f] = append(l.calls[f], callee)
	l.reach(callee)
}

// capture notes that f uses v, and tells whether that is new.
func (l *linker) capture(f *typed.Func, v *typed.Var) bool {
	if v.Func == nil || v.Func == f || slices.Contains(f.Captures, v) {
		return false
	}
	v.Captured = true
	f.Captures = append(f.Captures, v)
	return true
}
