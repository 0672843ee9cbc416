package ir

import "fmt"

// Passes tune Optimize. The zero Passes are all there are.
type Passes struct {
	// Verify looks at each function behind each pass, and panics with what it finds.
	Verify bool

	at **Func // that is being worked on
}

// pass is a step of Optimize.
type pass struct {
	name string
	run  func(*Func)
}

var (
	clean = []pass{
		{"order", (*Func).order},
		{"copies", (*Func).copies},
		{"fold", (*Func).fold},
		{"merge", (*Func).merge},
		{"cse", (*Func).cse},
		{"dead", (*Func).dead},
	}
	expand = []pass{
		{"known", (*Func).known},
		{"inline", (*Func).inline},
		{"captured", (*Func).captured},
	}
	apart  = []pass{{"scalars", (*Func).scalars}}
	unroll = []pass{{"unroll", (*Func).unroll}}
	loops  = []pass{
		{"hoist", (*Func).hoist},
		{"cse", (*Func).cse},
		{"bounds", (*Func).bounds},
		{"fold", (*Func).fold},
	}
	finish = []pass{
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
	o.at = new(*Func)
	defer func() {
		if r := recover(); r != nil {
			panic((*o.at).Located(r))
		}
	}()
	for _, f := range funcs {
		o.run(f, clean)
	}
	for range inlining {
		grown := false
		for _, f := range funcs {
			if !f.hasCalls() {
				continue
			}
			blocks := f.blocks
			o.run(f, expand)
			if f.blocks > blocks {
				o.run(f, clean)
				grown = true
			}
		}
		if !grown {
			break
		}
	}
	for _, f := range funcs {
		if f.makesObjects() {
			o.run(f, apart)
			o.run(f, clean)
		}
		if f.hasCalls() {
			o.run(f, unroll)
			o.run(f, clean)
		}
		if f.hasLoops() {
			o.run(f, loops)
			o.run(f, finish)
		}
	}
}

// makesObjects tells whether a function makes structs or cells.
func (f *Func) makesObjects() bool {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == NewStruct || v.Op == NewCell {
				return true
			}
		}
	}
	return false
}

// hasLoops tells whether control goes back anywhere.
func (f *Func) hasLoops() bool {
	f.order()
	for _, b := range f.Blocks {
		for _, p := range b.Preds {
			if p.number >= b.number {
				return true
			}
		}
	}
	return false
}

// hasCalls tells whether a function calls another of the program.
func (f *Func) hasCalls() bool {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == Call || v.Op == CallValue {
				return true
			}
		}
	}
	return false
}

func (o Passes) run(f *Func, list []pass) {
	*o.at = f
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
