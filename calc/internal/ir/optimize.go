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

var (
	clean = []pass{
		{"prune", (*Func).prune},
		{"copies", (*Func).copies},
		{"fold", (*Func).fold},
		{"merge", (*Func).merge},
		{"cse", (*Func).cse},
		{"fold", (*Func).fold},
		{"dead", (*Func).dead},
	}
	expand = []pass{
		{"known", (*Func).known},
		{"inline", (*Func).inline},
		{"captured", (*Func).captured},
	}
	finish = []pass{
		{"hoist", (*Func).hoist},
		{"cse", (*Func).cse},
		{"bounds", (*Func).bounds},
		{"fold", (*Func).fold},
		{"dead", (*Func).dead},
		{"merge", (*Func).merge},
	}
)

// inlining is how often calls that inlining has brought to light are looked at.
const inlining = 3

// Optimize improves the functions from first on. It keeps what a program does to
// the last bit, the places of errors included.
func (p *Program) Optimize(first int, o Passes) {
	funcs := p.Funcs[first:]
	for _, f := range funcs {
		o.run(f, clean)
	}
	for range inlining {
		for _, f := range funcs {
			o.run(f, expand)
			o.run(f, clean)
		}
	}
	for _, f := range funcs {
		o.run(f, finish)
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
