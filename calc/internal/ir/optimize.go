package ir

import "fmt"

// Passes tune Optimize. The zero Passes are all there are.
type Passes struct {
	// Verify looks at each function behind each pass, and panics with what it finds.
	Verify bool
}

// pass is a step of Optimize.
type pass struct {
	name string
	run  func(*Func)
}

// Optimize improves the functions from first on. It keeps what a program does to
// the last bit, the places of errors included.
func (p *Program) Optimize(first int, o Passes) {
	clean := []pass{
		{"prune", (*Func).prune},
		{"copies", (*Func).copies},
		{"dead", (*Func).dead},
	}
	for _, f := range p.Funcs[first:] {
		o.run(f, clean)
	}
}

func (o Passes) run(f *Func, list []pass) {
	for _, p := range list {
		p.run(f)
		if !o.Verify {
			continue
		}
		if err := f.Verify(); err != nil {
			panic(fmt.Sprintf("ir: behind pass %s: %v", p.name, err))
		}
	}
}
