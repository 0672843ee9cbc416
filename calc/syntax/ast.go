package syntax

// A File is one parsed source.
type File struct {
	Name  string
	Stmts []Stmt
}

// A Stmt is a statement or a declaration.
type Stmt interface{ StmtPos() Pos }

// The statements.
type (
	// LetStmt is let or var.
	LetStmt struct {
		Pos     Pos // of the name
		Mutable bool
		Name    string
		Type    *TypeName // nil: inferred
		Value   Expr      // nil: the zero value of Type
	}

	// FuncDecl declares a function.
	FuncDecl struct {
		Pos    Pos // of the name
		Name   string
		Params []Param
		Result *TypeName // nil: inferred
		Body   *Block
	}

	// AssignStmt is name = e, name op= e, name++ or name--.
	AssignStmt struct {
		Pos    Pos // of the operator
		Target *Name
		Op     Kind // EOF for plain assignment, else the binary operator
		Value  Expr
	}

	// ForStmt is one of: for { }, for Cond { }, for Var in From..To { }.
	ForStmt struct {
		Pos       Pos
		Cond      Expr // nil if there is none
		Var       *Name
		From, To  Expr
		Inclusive bool // ..=
		Body      *Block
	}

	// ReturnStmt leaves a function.
	ReturnStmt struct {
		Pos   Pos
		Value Expr // nil: without value
	}

	// BranchStmt is break or continue.
	BranchStmt struct {
		Pos  Pos
		Kind Kind // Break or Continue
	}

	// ExprStmt is an expression in the place of a statement.
	ExprStmt struct{ X Expr }
)

// Param is a parameter of a function.
type Param struct {
	Pos  Pos
	Name string
	Type *TypeName // nil: untyped
}

// TypeName is a type in the source.
type TypeName struct {
	Pos  Pos
	Name string
}

// An Expr is an expression. ExprPos is the place that messages about it name: its
// operator, its '[', its called name, or its first token.
type Expr interface{ ExprPos() Pos }

// The expressions.
type (
	// Name is a variable, a constant or a function.
	Name struct {
		Pos  Pos
		Name string
	}

	// IntLit is an int or rune literal.
	IntLit struct {
		Pos   Pos
		Value int64
	}

	// FloatLit is a float literal.
	FloatLit struct {
		Pos   Pos
		Value float64
	}

	// BoolLit is true or false.
	BoolLit struct {
		Pos   Pos
		Value bool
	}

	// StringLit is a string; its parts are joined.
	StringLit struct {
		Pos   Pos
		Parts []StringPart
	}

	// Unary is -x, !x or ^x.
	Unary struct {
		Pos Pos
		Op  Kind
		X   Expr
	}

	// Binary is any operator between two operands.
	Binary struct {
		Pos  Pos
		Op   Kind
		X, Y Expr
	}

	// Call is f(args). x.f(args) is Call{Fun: f, Args: [x, args]} with Method set.
	Call struct {
		Fun    *Name
		Args   []Expr
		Method bool
	}

	// Index is x[i].
	Index struct {
		Pos  Pos // of the [
		X, I Expr
	}

	// Slice is x[i:j]; From and To may be nil.
	Slice struct {
		Pos         Pos // of the [
		X, From, To Expr
	}

	// IfExpr is if, with or without else.
	IfExpr struct {
		Pos  Pos
		Cond Expr
		Then *Block
		Else Expr // *Block, *IfExpr or nil
	}

	// Block is { ... }, also of do.
	Block struct {
		Pos   Pos
		End   Pos // of the }
		Stmts []Stmt
	}
)

// StringPart is literal text or, if X is not nil, an interpolated expression.
type StringPart struct {
	Text string
	X    Expr
}

// StmtPos returns the position of the declared name.
func (s *LetStmt) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the declared name.
func (s *FuncDecl) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the operator.
func (s *AssignStmt) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the keyword.
func (s *ForStmt) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the keyword.
func (s *ReturnStmt) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the keyword.
func (s *BranchStmt) StmtPos() Pos { return s.Pos }

// StmtPos returns the position of the expression.
func (s *ExprStmt) StmtPos() Pos { return s.X.ExprPos() }

// ExprPos returns the position of the name.
func (e *Name) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the literal.
func (e *IntLit) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the literal.
func (e *FloatLit) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the literal.
func (e *BoolLit) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the opening quote.
func (e *StringLit) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the operator.
func (e *Unary) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the operator.
func (e *Binary) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the called name.
func (e *Call) ExprPos() Pos { return e.Fun.Pos }

// ExprPos returns the position of the bracket.
func (e *Index) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the bracket.
func (e *Slice) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the keyword.
func (e *IfExpr) ExprPos() Pos { return e.Pos }

// ExprPos returns the position of the opening brace.
func (e *Block) ExprPos() Pos { return e.Pos }
