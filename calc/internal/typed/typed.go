// Package typed is the checked form of a program, from which every engine works:
// each node has its type, conversions are explicit, names are resolved to slots,
// and functions with untyped parameters appear once for each combination of
// argument types.
package typed

import (
	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// A Program is a checked source.
type Program struct {
	Main   *Func    // the top level; its result is the value of the program
	Env    []EnvVar // the host's names, which come first in Main's slots
	Result value.Type
}

// EnvVar is a value that the host gives to each run.
type EnvVar struct {
	Name string
	Type value.Type
}

// A Func is one instance of a function.
type Func struct {
	Name   string
	Depth  int // of nesting; Main has 0
	Params []value.Type
	Result value.Type
	Slots  int // parameters first, then the variables of all blocks
	Body   *Block
}

// A Node is a typed expression or statement. Statements have type None.
type Node interface{ Type() value.Type }

// The nodes.
type (
	// Const is a literal or a constant.
	Const struct {
		T value.Type
		V value.Value
	}

	// Local reads a slot of the frame Up functions outside of the current one.
	Local struct {
		T        value.Type
		Up, Slot int
	}

	// Store writes a slot.
	Store struct {
		Up, Slot int
		Value    Node
	}

	// ToFloat converts an int.
	ToFloat struct{ X Node }

	// ToText makes the text of a value.
	ToText struct{ X Node }

	// Concat joins strings.
	Concat struct {
		Pos   syntax.Pos
		Parts []Node
	}

	// Unary is - on numbers, ^ on ints, ! on bools.
	Unary struct {
		T  value.Type
		Op syntax.Kind
		X  Node
	}

	// Binary is an operator on two operands of type Operand.
	Binary struct {
		Pos     syntax.Pos
		T       value.Type
		Operand value.Type
		Op      syntax.Kind
		X, Y    Node
	}

	// Logic is && or ||.
	Logic struct {
		And  bool
		X, Y Node
	}

	// Call calls a function that is declared Up functions outside.
	Call struct {
		Pos  syntax.Pos
		Func *Func
		Up   int
		Args []Node
	}

	// CallBuiltin calls a function of the language or of the host.
	CallBuiltin struct {
		Pos  syntax.Pos
		Func *builtin.Func
		Args []Node
	}

	// ByteAt is s[i].
	ByteAt struct {
		Pos  syntax.Pos
		X, I Node
	}

	// Slice is s[i:j]; From and To may be nil.
	Slice struct {
		Pos         syntax.Pos
		X, From, To Node
	}

	// If has the value of its branches if T is a type of values.
	If struct {
		T          value.Type
		Cond, Then Node
		Else       Node // nil: none
	}

	// Block has the value of its last node if T is a type of values.
	Block struct {
		T     value.Type
		Nodes []Node
	}

	// While loops as long as Cond, if not nil, is true.
	While struct {
		Pos  syntax.Pos
		Cond Node
		Body *Block
	}

	// Count loops over ints.
	Count struct {
		Pos       syntax.Pos
		Slot      int
		From, To  Node
		Inclusive bool
		Body      *Block
	}

	// Return leaves the function; Value is nil where there is none.
	Return struct{ Value Node }

	// Branch is break or continue.
	Branch struct{ Continue bool }
)

// Type returns the type of the constant.
func (n *Const) Type() value.Type { return n.T }

// Type returns the type of the variable.
func (n *Local) Type() value.Type { return n.T }

// Type returns None.
func (n *Store) Type() value.Type { return value.None }

// Type returns Float.
func (n *ToFloat) Type() value.Type { return value.Float }

// Type returns String.
func (n *ToText) Type() value.Type { return value.String }

// Type returns String.
func (n *Concat) Type() value.Type { return value.String }

// Type returns the type of the result.
func (n *Unary) Type() value.Type { return n.T }

// Type returns the type of the result.
func (n *Binary) Type() value.Type { return n.T }

// Type returns Bool.
func (n *Logic) Type() value.Type { return value.Bool }

// Type returns the result of the function.
func (n *Call) Type() value.Type { return n.Func.Result }

// Type returns the result of the function.
func (n *CallBuiltin) Type() value.Type { return n.Func.Result }

// Type returns Int.
func (n *ByteAt) Type() value.Type { return value.Int }

// Type returns String.
func (n *Slice) Type() value.Type { return value.String }

// Type returns the type of the value, or None.
func (n *If) Type() value.Type { return n.T }

// Type returns the type of the value, None, or Never.
func (n *Block) Type() value.Type { return n.T }

// Type returns None, or Never for a loop that cannot end.
func (n *While) Type() value.Type {
	if n.Cond == nil && !breaks(n.Body) {
		return value.Never
	}
	return value.None
}

// Type returns None.
func (n *Count) Type() value.Type { return value.None }

// Type returns Never.
func (n *Return) Type() value.Type { return value.Never }

// Type returns Never.
func (n *Branch) Type() value.Type { return value.Never }

// breaks tells whether n contains a break of the loop around it.
func breaks(n Node) bool {
	switch n := n.(type) {
	case *Branch:
		return !n.Continue
	case *Block:
		for _, m := range n.Nodes {
			if breaks(m) {
				return true
			}
		}
	case *If:
		return breaks(n.Then) || n.Else != nil && breaks(n.Else)
	case *Store:
		return breaks(n.Value)
	}
	return false
}
