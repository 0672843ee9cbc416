package typed

import "github.com/groundwork-go/groundwork/calc/syntax"

// A Panic is a fault of the compiler itself, with the place in the source that it was
// working on.
type Panic struct {
	File  string
	Pos   syntax.Pos
	Value any // of the panic
}

// Located returns what to panic with, having recovered r while working on a place.
func Located(r any, file string, pos syntax.Pos) any {
	if p, ok := r.(*Panic); ok {
		return p
	}
	return &Panic{file, pos, r}
}
