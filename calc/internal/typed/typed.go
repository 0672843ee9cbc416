// Package typed is the checked form of a program, from which every engine works:
// each node has its type, conversions are explicit, names are resolved to
// variables, and functions with untyped parameters appear once for each combination
// of argument types.
package typed

import (
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// A Program is a checked source with the modules that it imports.
type Program struct {
	Mains   []*Func // the top levels: of the modules in the order they run, of the program last
	Funcs   []*Func // all that can be reached, by Index
	Globals []*Var  // by Index: what the program declares at its top levels, and what the host gives
	Env     []*Var  // the globals that each run is given, in the order of the host's names
	Args    *Var    // the global that holds the arguments, if the program uses them
	Result  *types.Type
	Exports map[string]*Func // functions of the program's top level whose parameters have types
}

// A Var is a variable.
type Var struct {
	Name     string
	Type     *types.Type
	Func     *Func // to which it belongs; nil for a global
	Index    int   // among the variables of its function, or among the globals
	Assigned bool  // again, after its declaration
	Captured bool  // by another function: if it is assigned, both share a cell
}

// InCell tells whether the variable is kept in a cell.
func (v *Var) InCell() bool { return v.Captured && v.Assigned }

// A Func is one instance of a function.
type Func struct {
	Name     string
	File     string
	Index    int // in Program.Funcs
	Params   []*Var
	Result   *types.Type
	Vars     []*Var // all its variables, parameters first
	Captures []*Var // variables of functions around it
	Body     Node
	Hidden   bool // a builtin written in calc: not part of what users see of the stack
}

// A Node is a typed expression or statement. Statements have type None.
type Node interface{ Type() *types.Type }

// An Op is an operator on words and strings.
type Op = syntax.Kind

// A Builtin is a typed form of a function that is not written in calc.
type Builtin struct {
	Name   string
	Params []*types.Type
	Result *types.Type
	Call   func(m Machine, args []value.Value) (value.Value, error)

	Recipe Recipe                     // what it was made of
	Host   bool                       // a function of the host
	F1     func(x float64) float64    // what Call does, if that is all
	F2     func(x, y float64) float64 // what Call does, if that is all
}

// A Recipe tells how to make a builtin again: package builtin does so.
type Recipe struct {
	Kind  uint8
	Name  string
	Types []*types.Type
	N     int
}

// A Machine is what builtins need of the engine that runs them.
type Machine interface {
	// Grow accounts for memory that is about to be taken, in bytes.
	Grow(bytes int64) error

	// Poll fails when the run has to end. Long computations call it now and then.
	Poll() error

	// Print writes output.
	Print(text string) error

	// MaxText bounds the bytes of one text.
	MaxText() int64
}

// The nodes.
type (
	// Const is a literal, a constant, or the zero value of T.
	Const struct {
		T *types.Type
		V value.Value
	}

	// Local reads a variable of this function, of one around it, or a global.
	Local struct{ Var *Var }

	// Store sets a variable. Declare tells that it begins to live here.
	Store struct {
		Var     *Var
		Value   Node
		Declare bool
	}

	// Convert makes a value of type T: int to float, T to T?, a value to any, a
	// function to one without result.
	Convert struct {
		T *types.Type
		X Node
	}

	// Unwrap is x!.
	Unwrap struct {
		Pos syntax.Pos
		X   Node
	}

	// Cast is v as T, of an any; T is an option.
	Cast struct {
		T *types.Type
		X Node
	}

	// Concat joins the texts of its parts.
	Concat struct {
		Pos   syntax.Pos
		Parts []Node
	}

	// Unary is - on numbers, ^ on ints, ! on bools.
	Unary struct {
		Op Op
		X  Node
	}

	// Binary is an operator on two operands of type Operand.
	Binary struct {
		Pos     syntax.Pos
		T       *types.Type
		Operand *types.Type
		Op      Op
		X, Y    Node
	}

	// In is x in y: an element, a key, or a part of a string.
	In struct {
		Pos  syntax.Pos
		X, Y Node
	}

	// Logic is && or ||.
	Logic struct {
		And  bool
		X, Y Node
	}

	// Call calls a function that is known.
	Call struct {
		Pos  syntax.Pos
		Func *Func
		Args []Node
	}

	// CallValue calls a function value.
	CallValue struct {
		Pos  syntax.Pos
		Name string // for the stack: "func"
		T    *types.Type
		Fun  Node
		Args []Node
	}

	// CallBuiltin calls a builtin or a function of the host.
	CallBuiltin struct {
		Pos  syntax.Pos
		Func *Builtin
		Args []Node
	}

	// Closure makes a function value. Func is nil for a lambda that is never
	// called.
	Closure struct {
		T    *types.Type
		Func *Func
	}

	// Index is x[i] of a string, list, map or any.
	Index struct {
		Pos  syntax.Pos
		T    *types.Type
		X, I Node
	}

	// SetIndex is x[i] = v of a list or map.
	SetIndex struct {
		Pos         syntax.Pos
		X, I, Value Node
	}

	// Slice is x[i:j] of a string or list; From and To may be nil.
	Slice struct {
		Pos         syntax.Pos
		X, From, To Node
	}

	// Field is p.f of a struct, or of an any, which has Name only.
	Field struct {
		T     *types.Type
		X     Node
		Index int
		Name  string
	}

	// SetField is p.f = v.
	SetField struct {
		X     Node
		Index int
		Value Node
	}

	// List is a list literal.
	List struct {
		Pos   syntax.Pos
		T     *types.Type
		Elems []Node
	}

	// Map is a map literal.
	Map struct {
		Pos          syntax.Pos
		T            *types.Type
		Keys, Values []Node
	}

	// Struct is a struct literal: values in source order and the fields they are
	// for. Other fields are nil.
	Struct struct {
		Pos    syntax.Pos
		T      *types.Type
		Index  []int
		Values []Node
	}

	// If has the value of its branches if T is a type of values.
	If struct {
		T          *types.Type
		Cond, Then Node
		Else       Node // nil: none
	}

	// IfLet gives Var what the option X holds and runs Then, or Else if it is nil.
	IfLet struct {
		T    *types.Type
		Var  *Var
		X    Node
		Then Node
		Else Node // nil: none
	}

	// Match runs the first arm with a pattern that equals X.
	Match struct {
		T       *types.Type
		X       Node
		Arms    []Arm
		Default Node // nil: the arms cover all values
	}

	// Block has the value of its last node if T is a type of values.
	Block struct {
		T     *types.Type
		Nodes []Node
	}

	// Loop runs as long as Cond, if not nil, is true.
	Loop struct {
		Pos  syntax.Pos
		Cond Node
		Body Node
	}

	// Count loops over ints. With Step it is a loop over range(a, b, step).
	Count struct {
		Pos       syntax.Pos
		Var       *Var
		From, To  Node
		Step      Node // nil: 1
		Inclusive bool
		Body      Node
	}

	// Each loops over a list, map or string. For a list Key is the index, for a
	// string the offset; Key and Value may be nil.
	Each struct {
		Pos        syntax.Pos
		X          Node
		Key, Value *Var
		Body       Node
	}

	// Return leaves the function; Value is nil where there is none.
	Return struct{ Value Node }

	// Branch is break or continue.
	Branch struct{ Continue bool }
)

// An Arm is an arm of a match. A pattern whose type is an option is nil.
type Arm struct {
	Patterns []*Const
	Body     Node
}

// Type returns the type of the constant.
func (n *Const) Type() *types.Type { return n.T }

// Type returns the type of the variable.
func (n *Local) Type() *types.Type { return n.Var.Type }

// Type returns None, or Never if the value is never there.
func (n *Store) Type() *types.Type { return statement(n.Value) }

// Type returns the type that X is converted to.
func (n *Convert) Type() *types.Type { return n.T }

// Type returns the type in the option.
func (n *Unwrap) Type() *types.Type { return n.X.Type().Unwrapped() }

// Type returns the option.
func (n *Cast) Type() *types.Type { return n.T }

// Type returns String.
func (n *Concat) Type() *types.Type { return types.String }

// Type returns the type of the operand.
func (n *Unary) Type() *types.Type { return n.X.Type() }

// Type returns the type of the result.
func (n *Binary) Type() *types.Type { return n.T }

// Type returns Bool.
func (n *In) Type() *types.Type { return types.Bool }

// Type returns Bool.
func (n *Logic) Type() *types.Type { return types.Bool }

// Type returns the result of the function.
func (n *Call) Type() *types.Type { return n.Func.Result }

// Type returns the result of the function.
func (n *CallValue) Type() *types.Type { return n.T }

// Type returns the result of the function.
func (n *CallBuiltin) Type() *types.Type { return n.Func.Result }

// Type returns the type of the function.
func (n *Closure) Type() *types.Type { return n.T }

// Type returns the type of the element.
func (n *Index) Type() *types.Type { return n.T }

// Type returns None.
func (n *SetIndex) Type() *types.Type { return statement(n.X, n.I, n.Value) }

// Type returns the type of the whole.
func (n *Slice) Type() *types.Type { return n.X.Type() }

// Type returns the type of the field.
func (n *Field) Type() *types.Type { return n.T }

// Type returns None.
func (n *SetField) Type() *types.Type { return statement(n.X, n.Value) }

// Type returns the type of the list.
func (n *List) Type() *types.Type { return n.T }

// Type returns the type of the map.
func (n *Map) Type() *types.Type { return n.T }

// Type returns the type of the struct.
func (n *Struct) Type() *types.Type { return n.T }

// Type returns the type of the value, None or Never.
func (n *If) Type() *types.Type { return n.T }

// Type returns the type of the value, None or Never.
func (n *IfLet) Type() *types.Type { return n.T }

// Type returns the type of the value, None or Never.
func (n *Match) Type() *types.Type { return n.T }

// Type returns the type of the value, None or Never.
func (n *Block) Type() *types.Type { return n.T }

// Type returns None, or Never for a loop that cannot end.
func (n *Loop) Type() *types.Type {
	if n.Cond == nil && !breaks(n.Body) {
		return types.Never
	}
	return types.None
}

// Type returns None.
func (n *Count) Type() *types.Type { return types.None }

// Type returns None.
func (n *Each) Type() *types.Type { return types.None }

// Type returns Never.
func (n *Return) Type() *types.Type { return types.Never }

// Type returns Never.
func (n *Branch) Type() *types.Type { return types.Never }

// statement returns Never if control does not come behind one of the parts, else
// None.
func statement(parts ...Node) *types.Type {
	for _, p := range parts {
		if p.Type().Is(types.KNever) {
			return types.Never
		}
	}
	return types.None
}
