package syntax

// A File is one parsed source.
type File struct {
	Name  string
	Stmts []Stmt
}

// At is the position of a node, embedded in each.
type At struct{ Pos Pos }

// Where returns the position that messages about the node name: an operator, an
// opening bracket, a called or declared name, or the first token.
func (a At) Where() Pos { return a.Pos }

// A Stmt is a statement or a declaration.
type Stmt interface {
	Where() Pos
	stmt()
}

// The statements.
type (
	// LetStmt is let or var; its position is that of the name.
	LetStmt struct {
		At
		Mutable bool
		Name    string
		Type    TypeExpr // nil: inferred
		Value   Expr     // nil: the zero value of Type
	}

	// FuncDecl declares a function; its position is that of the name.
	FuncDecl struct {
		At
		Name string
		Func *Function
	}

	// TypeDecl declares a struct type; its position is that of the name.
	TypeDecl struct {
		At
		Name   string
		Fields []Param
	}

	// ImportStmt imports a module; its position is that of the path.
	ImportStmt struct {
		At
		Name string // by which it is used
		Path string
	}

	// AssignStmt is target = e, target op= e, target++ or target--; its position
	// is that of the operator.
	AssignStmt struct {
		At
		Target Expr // *Name, *Index or *Selector
		Op     Kind // EOF for plain assignment, else the binary operator
		Value  Expr
	}

	// LoopStmt is for { } or for cond { }.
	LoopStmt struct {
		At
		Cond Expr // nil if there is none
		Body *Block
	}

	// CountStmt is for v in from..to { }.
	CountStmt struct {
		At
		Var       *Name
		From, To  Expr
		Inclusive bool // ..=
		Body      *Block
	}

	// EachStmt is for v in x { } or for k, v in x { }.
	EachStmt struct {
		At
		Vars []*Name // one or two
		X    Expr
		Body *Block
	}

	// ReturnStmt leaves a function.
	ReturnStmt struct {
		At
		Value Expr // nil: without value
	}

	// BranchStmt is break or continue.
	BranchStmt struct {
		At
		Kind Kind // Break or Continue
	}

	// ExprStmt is an expression in the place of a statement.
	ExprStmt struct {
		At
		X Expr
	}
)

// A Function is what functions and lambdas have in common.
type Function struct {
	At
	Params []Param
	Result TypeExpr // nil: inferred
	Body   *Block   // of an expression body: with one ExprStmt
	Lambda bool
}

// A Param is a parameter of a function or a field of a struct.
type Param struct {
	At
	Name string
	Type TypeExpr // nil: untyped
}

// A TypeExpr is a type in the source.
type TypeExpr interface {
	Where() Pos
	typeExpr()
}

// The types.
type (
	// NamedType is a type's name, in a module if Module is set.
	NamedType struct {
		At
		Module, Name string
	}

	// ListType is []Elem.
	ListType struct {
		At
		Elem TypeExpr
	}

	// MapType is map[Key]Elem.
	MapType struct {
		At
		Key, Elem TypeExpr
	}

	// OptionType is Elem?.
	OptionType struct {
		At
		Elem TypeExpr
	}

	// FuncType is func(Params) Result.
	FuncType struct {
		At
		Params []TypeExpr
		Result TypeExpr // nil: no value
	}
)

// An Expr is an expression.
type Expr interface {
	Where() Pos
	expr()
}

// The expressions.
type (
	// Name is a variable, a constant or a function.
	Name struct {
		At
		Name string
	}

	// IntLit is an int or rune literal.
	IntLit struct {
		At
		Value int64
	}

	// FloatLit is a float literal.
	FloatLit struct {
		At
		Value float64
	}

	// BoolLit is true or false.
	BoolLit struct {
		At
		Value bool
	}

	// NilLit is nil.
	NilLit struct{ At }

	// StringLit is a string; its parts are joined.
	StringLit struct {
		At
		Parts []StringPart
	}

	// ListLit is [a, b].
	ListLit struct {
		At
		Elems []Expr
	}

	// MapLit is {k: v}.
	MapLit struct {
		At
		Entries []MapEntry
	}

	// StructLit is Type{field: value}.
	StructLit struct {
		At
		Type   *NamedType
		Fields []FieldValue
	}

	// Lambda is x => e or (a, b) => { }; its position is that of the arrow.
	Lambda struct {
		At
		Func *Function
	}

	// Unary is -x, !x or ^x.
	Unary struct {
		At
		Op Kind
		X  Expr
	}

	// Binary is any operator between two operands, ?? among them.
	Binary struct {
		At
		Op   Kind
		X, Y Expr
	}

	// UnwrapExpr is x!.
	UnwrapExpr struct {
		At
		X Expr
	}

	// Cast is v as T.
	Cast struct {
		At
		X    Expr
		Type TypeExpr
	}

	// Call is f(args); its position is that of the called name, or of the ( if
	// there is none. x.f(args) is a call of a Selector.
	Call struct {
		At
		Fun  Expr
		Args []Expr
	}

	// Selector is x.name, or x?.name; its position is that of the name.
	Selector struct {
		At
		X      Expr
		Option bool // ?.
		Name   string
	}

	// Index is x[i].
	Index struct {
		At
		X, I Expr
	}

	// Slice is x[i:j]; From and To may be nil.
	Slice struct {
		At
		X, From, To Expr
	}

	// IfExpr is if, with or without else.
	IfExpr struct {
		At
		Let  *Name // of if let; nil: none
		Cond Expr  // the option of an if let
		Then *Block
		Else Expr // *Block, *IfExpr or nil
	}

	// MatchExpr is match.
	MatchExpr struct {
		At
		X    Expr
		Arms []MatchArm
	}

	// Block is { ... }, also of do.
	Block struct {
		At
		End   Pos // of the }
		Stmts []Stmt
	}
)

// StringPart is literal text or, if X is not nil, an interpolated expression.
type StringPart struct {
	Text string
	X    Expr
}

// MapEntry is one entry of a map literal.
type MapEntry struct{ Key, Value Expr }

// FieldValue is one field of a struct literal; its position is that of the name.
type FieldValue struct {
	At
	Name  string
	Value Expr
}

// MatchArm is one arm of match; its position is that of its first pattern.
type MatchArm struct {
	At
	Patterns []Expr // literals; none for _
	Body     Expr
}

func (*LetStmt) stmt()    {}
func (*FuncDecl) stmt()   {}
func (*TypeDecl) stmt()   {}
func (*ImportStmt) stmt() {}
func (*AssignStmt) stmt() {}
func (*LoopStmt) stmt()   {}
func (*CountStmt) stmt()  {}
func (*EachStmt) stmt()   {}
func (*ReturnStmt) stmt() {}
func (*BranchStmt) stmt() {}
func (*ExprStmt) stmt()   {}

func (*NamedType) typeExpr()  {}
func (*ListType) typeExpr()   {}
func (*MapType) typeExpr()    {}
func (*OptionType) typeExpr() {}
func (*FuncType) typeExpr()   {}

func (*Name) expr()       {}
func (*IntLit) expr()     {}
func (*FloatLit) expr()   {}
func (*BoolLit) expr()    {}
func (*NilLit) expr()     {}
func (*StringLit) expr()  {}
func (*ListLit) expr()    {}
func (*MapLit) expr()     {}
func (*StructLit) expr()  {}
func (*Lambda) expr()     {}
func (*Unary) expr()      {}
func (*Binary) expr()     {}
func (*UnwrapExpr) expr() {}
func (*Cast) expr()       {}
func (*Call) expr()       {}
func (*Selector) expr()   {}
func (*Index) expr()      {}
func (*Slice) expr()      {}
func (*IfExpr) expr()     {}
func (*MatchExpr) expr()  {}
func (*Block) expr()      {}
