package syntax

import (
	"fmt"
	"slices"
)

// Parse parses a source. If the error is not nil it is an [ErrorList], and the
// file holds what could be parsed. name is only kept in File.Name.
func Parse(name, src string) (*File, error) {
	toks, errs := Scan(src)
	p := &parser{toks: toks, errs: errs}
	f := &File{Name: name, Stmts: p.stmts(EOF)}
	if len(p.errs) == 0 {
		return f, nil
	}
	slices.SortStableFunc(p.errs, func(a, b *Error) int { return a.Pos.Offset - b.Pos.Offset })
	return f, p.errs[:min(len(p.errs), MaxErrors)]
}

type parser struct {
	toks  []Token
	i     int
	depth int
	inFun int // depth of functions, where return is allowed
	loops int // depth of loops in the current function
	errs  ErrorList
}

// bailout unwinds the parser to the nearest statement.
type bailout struct{}

func (p *parser) tok() Token { return p.toks[p.i] }

func (p *parser) peek(n int) Kind {
	if p.i+n < len(p.toks) {
		return p.toks[p.i+n].Kind
	}
	return EOF
}

func (p *parser) advance() Token {
	t := p.toks[p.i]
	if t.Kind != EOF {
		p.i++
	}
	return t
}

func (p *parser) report(pos Pos, hint, format string, args ...any) {
	p.errs = append(p.errs, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *parser) fail(pos Pos, format string, args ...any) {
	p.report(pos, "", format, args...)
	panic(bailout{})
}

func (p *parser) expect(k Kind) Token {
	t := p.tok()
	if t.Kind != k {
		p.fail(t.Pos, "expected '%v', found %s", k, t.describe())
	}
	return p.advance()
}

// name reads an identifier, saying what it is for if there is none.
func (p *parser) name(what string) Token {
	t := p.tok()
	if t.Kind != Ident {
		p.fail(t.Pos, "expected %s, found %s", what, t.describe())
	}
	return p.advance()
}

// enter bounds recursion; what it returns leaves again.
func (p *parser) enter() func() {
	if p.depth++; p.depth > MaxDepth {
		pos := p.tok().Pos
		p.i = len(p.toks) - 1 // what follows would only fail as well
		p.fail(pos, "nested too deeply")
	}
	return func() { p.depth-- }
}

// stmts parses statements up to end, which is not consumed.
func (p *parser) stmts(end Kind) []Stmt {
	var list []Stmt
	for {
		for p.tok().Kind == Semi {
			p.advance()
		}
		if k := p.tok().Kind; k == end || k == EOF {
			return list
		}
		if s := p.recoveringStmt(end); s != nil {
			list = append(list, s)
		}
		if len(p.errs) >= MaxErrors {
			p.i = len(p.toks) - 1
		}
	}
}

// recoveringStmt parses one statement; after an error it skips to the next.
func (p *parser) recoveringStmt(end Kind) (s Stmt) {
	toks, start, depth, inFun, loops := p.toks, p.i, p.depth, p.inFun, p.loops
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(bailout); !ok {
				panic(r)
			}
			p.depth, p.inFun, p.loops = depth, inFun, loops
			if len(p.toks) != len(toks) { // inside of an interpolation
				p.toks, p.i = toks, start
			}
			p.skip(start, end)
			s = nil
		}
	}()
	s = p.stmt()
	if k := p.tok().Kind; k != Semi && k != end && k != EOF {
		p.fail(p.tok().Pos, "expected end of statement, found %s", p.tok().describe())
	}
	return s
}

// skip goes to the end of a broken statement that began at token start.
func (p *parser) skip(start int, end Kind) {
	if p.tok().Kind == EOF {
		return
	}
	braces := 0
	for _, t := range p.toks[start:p.i] {
		switch t.Kind {
		case LBrace:
			braces++
		case RBrace:
			braces--
		}
	}
	for ; ; p.i++ {
		switch p.tok().Kind {
		case EOF:
			return
		case Semi:
			if braces <= 0 {
				return
			}
		case LBrace:
			braces++
		case RBrace:
			if braces <= 0 && end == RBrace {
				return
			}
			braces--
		}
	}
}

func (p *parser) stmt() Stmt {
	t := p.tok()
	switch t.Kind {
	case Let, Var:
		return p.let()
	case Func:
		return p.funcDecl()
	case For:
		return p.forStmt()
	case Break, Continue:
		p.advance()
		if p.loops == 0 {
			p.report(t.Pos, "", "%v outside of a loop", t.Kind)
		}
		return &BranchStmt{t.Pos, t.Kind}
	case Return:
		p.advance()
		if p.inFun == 0 {
			p.report(t.Pos, "", "return outside of a function")
		}
		s := &ReturnStmt{Pos: t.Pos}
		if k := p.tok().Kind; k != Semi && k != RBrace && k != EOF {
			s.Value = p.expr()
		}
		return s
	}
	x := p.expr()
	op := p.tok()
	s := &AssignStmt{Pos: op.Pos}
	switch {
	case op.Kind == Assign:
	case op.Kind >= AddAssign && op.Kind <= ShrAssign:
		s.Op = assignOps[op.Kind-AddAssign]
	case op.Kind == Inc, op.Kind == Dec:
		s.Op = Add + (op.Kind - Inc)
		s.Value = &IntLit{Pos: op.Pos, Value: 1}
	default:
		return &ExprStmt{x}
	}
	target, ok := x.(*Name)
	if !ok {
		p.fail(op.Pos, "only a variable can be assigned")
	}
	p.advance()
	s.Target = target
	if s.Value == nil {
		s.Value = p.expr()
	}
	return s
}

var assignOps = [...]Kind{Add, Sub, Mul, Div, Rem, Pow, And, Or, Xor, Shl, Shr}

func (p *parser) let() Stmt {
	kw := p.advance()
	name := p.name("a name")
	s := &LetStmt{Pos: name.Pos, Mutable: kw.Kind == Var, Name: name.Text}
	if p.tok().Kind == Ident {
		s.Type = p.typeName()
	}
	if p.tok().Kind == Assign {
		p.advance()
		s.Value = p.expr()
	} else if !s.Mutable {
		p.fail(p.tok().Pos, "expected '=', found %s", p.tok().describe())
	} else if s.Type == nil {
		p.fail(p.tok().Pos, "var %s needs a type or a value", s.Name)
	}
	return s
}

func (p *parser) typeName() *TypeName {
	t := p.name("a type")
	return &TypeName{t.Pos, t.Text}
}

func (p *parser) funcDecl() Stmt {
	p.advance()
	name := p.name("the name of the function")
	f := &FuncDecl{Pos: name.Pos, Name: name.Text}
	p.expect(LParen)
	for p.tok().Kind != RParen {
		t := p.name("a parameter")
		param := Param{Pos: t.Pos, Name: t.Text}
		if p.tok().Kind == Ident {
			param.Type = p.typeName()
		}
		f.Params = append(f.Params, param)
		if p.tok().Kind != RParen {
			p.expect(Comma)
		}
	}
	p.advance()
	// As in Go a parameter takes the next type to its right; _ leaves it untyped.
	var right *TypeName
	for i := len(f.Params) - 1; i >= 0; i-- {
		if q := &f.Params[i]; q.Type == nil {
			q.Type = right
		} else if q.Type.Name == "_" {
			q.Type = nil
		} else {
			right = q.Type
		}
	}
	if p.tok().Kind == Ident {
		f.Result = p.typeName()
	}
	loops := p.loops
	p.inFun++
	p.loops = 0
	if arrow := p.tok(); arrow.Kind == Arrow {
		p.advance()
		x := p.expr()
		f.Body = &Block{Pos: arrow.Pos, End: x.ExprPos(), Stmts: []Stmt{&ExprStmt{x}}}
	} else {
		f.Body = p.block()
	}
	p.inFun--
	p.loops = loops
	return f
}

func (p *parser) forStmt() Stmt {
	s := &ForStmt{Pos: p.advance().Pos}
	switch {
	case p.tok().Kind == LBrace:
	case p.tok().Kind == Ident && p.peek(1) == In:
		t := p.advance()
		s.Var = &Name{t.Pos, t.Text}
		p.advance()
		s.From = p.expr()
		switch p.tok().Kind {
		case Range, RangeInc:
			s.Inclusive = p.advance().Kind == RangeInc
		default:
			p.fail(p.tok().Pos, "expected '..', found %s", p.tok().describe())
		}
		s.To = p.expr()
	default:
		s.Cond = p.expr()
	}
	p.loops++
	s.Body = p.block()
	p.loops--
	return s
}

func (p *parser) block() *Block {
	defer p.enter()()
	b := &Block{Pos: p.expect(LBrace).Pos}
	b.Stmts = p.stmts(RBrace)
	if p.tok().Kind == EOF {
		p.fail(b.Pos, "'{' is not closed")
	}
	b.End = p.advance().Pos
	return b
}

// precedence of binary operators; 0 for other tokens.
func precedence(k Kind) int {
	switch k {
	case OrOr:
		return 1
	case AndAnd:
		return 2
	case Eq, Ne, Lt, Le, Gt, Ge, In:
		return 3
	case Add, Sub, Or, Xor:
		return 4
	case Mul, Div, Rem, IntDiv, Shl, Shr, And:
		return 5
	}
	return 0
}

const comparison = 3

func (p *parser) expr() Expr {
	defer p.enter()()
	return p.binary(1)
}

// binary parses operators of at least the given precedence, by precedence
// climbing.
func (p *parser) binary(least int) Expr {
	x := p.unary()
	compared := false
	for {
		op := p.tok()
		prec := precedence(op.Kind)
		if prec < least || prec == 0 {
			return x
		}
		if prec == comparison {
			if compared {
				p.report(op.Pos, "join comparisons with &&", "comparisons do not chain")
			}
			compared = true
		}
		p.advance()
		x = &Binary{op.Pos, op.Kind, x, p.binary(prec + 1)}
	}
}

func (p *parser) unary() Expr {
	op := p.tok()
	switch op.Kind {
	case Sub, Not, Xor:
		defer p.enter()()
		p.advance()
		if t := p.tok(); op.Kind == Sub && t.big && p.peek(1) != Pow {
			p.advance()
			return p.postfix(&IntLit{op.Pos, t.Int})
		}
		return &Unary{op.Pos, op.Kind, p.unary()}
	}
	return p.power()
}

// power parses **, which is right-associative and binds tighter than a minus on
// its left, but not than one on its right.
func (p *parser) power() Expr {
	x := p.postfix(p.operand())
	if op := p.tok(); op.Kind == Pow {
		defer p.enter()()
		p.advance()
		return &Binary{op.Pos, Pow, x, p.unary()}
	}
	return x
}

func (p *parser) postfix(x Expr) Expr {
	for {
		switch t := p.tok(); t.Kind {
		case LParen:
			f, ok := x.(*Name)
			if !ok {
				p.fail(t.Pos, "only a function can be called")
			}
			x = &Call{Fun: f, Args: p.args(nil)}
		case Dot:
			p.advance()
			name := p.name("a name")
			f := &Name{name.Pos, name.Text}
			if p.tok().Kind != LParen {
				p.fail(p.tok().Pos, "expected '(', found %s", p.tok().describe())
			}
			x = &Call{Fun: f, Args: p.args([]Expr{x}), Method: true}
		case LBrack:
			x = p.index(x)
		default:
			return x
		}
	}
}

func (p *parser) args(list []Expr) []Expr {
	p.expect(LParen)
	for p.tok().Kind != RParen {
		list = append(list, p.expr())
		if p.tok().Kind != RParen {
			p.expect(Comma)
		}
	}
	p.advance()
	return list
}

func (p *parser) index(x Expr) Expr {
	pos := p.expect(LBrack).Pos
	var from, to Expr
	if p.tok().Kind != Colon {
		from = p.expr()
	}
	if p.tok().Kind == RBrack {
		p.advance()
		return &Index{pos, x, from}
	}
	p.expect(Colon)
	if p.tok().Kind != RBrack {
		to = p.expr()
	}
	p.expect(RBrack)
	return &Slice{pos, x, from, to}
}

func (p *parser) operand() Expr {
	t := p.tok()
	switch t.Kind {
	case Ident:
		p.advance()
		return &Name{t.Pos, t.Text}
	case Int:
		if t.big {
			p.report(t.Pos, "", "number %s is too large for an int", t.Text)
		}
		p.advance()
		return &IntLit{t.Pos, t.Int}
	case Float:
		p.advance()
		return &FloatLit{t.Pos, t.Float}
	case True, False:
		p.advance()
		return &BoolLit{t.Pos, t.Kind == True}
	case String:
		p.advance()
		return p.stringLit(t)
	case LParen:
		p.advance()
		x := p.expr()
		p.expect(RParen)
		return x
	case If:
		return p.ifExpr()
	case Do:
		p.advance()
		return p.block()
	}
	p.fail(t.Pos, "expected an expression, found %s", t.describe())
	return nil
}

func (p *parser) stringLit(t Token) Expr {
	lit := &StringLit{Pos: t.Pos}
	for _, part := range t.Parts {
		if part.Tokens == nil {
			lit.Parts = append(lit.Parts, StringPart{Text: part.Text})
			continue
		}
		toks, i := p.toks, p.i
		p.toks, p.i = part.Tokens, 0
		x := p.expr()
		if rest := p.tok(); rest.Kind != EOF {
			p.fail(rest.Pos, "expected '}', found %s", rest.describe())
		}
		p.toks, p.i = toks, i
		lit.Parts = append(lit.Parts, StringPart{X: x})
	}
	return lit
}

func (p *parser) ifExpr() Expr {
	x := &IfExpr{Pos: p.advance().Pos}
	x.Cond = p.expr()
	x.Then = p.block()
	if p.tok().Kind != Else {
		return x
	}
	p.advance()
	if p.tok().Kind == If {
		x.Else = p.ifExpr()
	} else {
		x.Else = p.block()
	}
	return x
}
