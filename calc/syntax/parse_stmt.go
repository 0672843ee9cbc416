package syntax

import (
	"path"
	"strings"
)

func (p *parser) stmt() Stmt {
	t := p.tok()
	switch t.Kind {
	case Let, Var:
		return p.let()
	case Func:
		if p.peek(1) == Ident {
			return p.funcDecl()
		}
	case Type:
		return p.typeDecl()
	case Import:
		return p.importStmt()
	case For:
		return p.forStmt()
	case Break, Continue:
		p.advance()
		if p.loops == 0 {
			p.report(t.Pos, "", "%v outside of a loop", t.Kind)
		}
		return &BranchStmt{At{t.Pos}, t.Kind}
	case Return:
		p.advance()
		if p.inFun == 0 {
			p.report(t.Pos, "", "return outside of a function")
		}
		s := &ReturnStmt{At: At{t.Pos}}
		if k := p.kind(); k != Semi && k != RBrace && k != EOF {
			s.Value = p.expr()
		}
		return s
	}
	x := p.expr()
	op := p.tok()
	s := &AssignStmt{At: At{op.Pos}, Target: x}
	switch {
	case op.Kind == Assign:
	case op.Kind >= AddAssign && op.Kind <= ShrAssign:
		s.Op = assignOps[op.Kind-AddAssign]
	case op.Kind == Inc, op.Kind == Dec:
		s.Op = Add + (op.Kind - Inc)
		s.Value = &IntLit{At{op.Pos}, 1}
	default:
		return &ExprStmt{At{x.Where()}, x}
	}
	switch x := x.(type) {
	case *Name, *Index:
	case *Selector:
		if x.Option {
			p.fail(op.Pos, "?. cannot be assigned to")
		}
	default:
		p.fail(op.Pos, "only a variable, an element or a field can be assigned")
	}
	p.advance()
	if s.Value == nil {
		s.Value = p.expr()
	}
	return s
}

var assignOps = [...]Kind{Add, Sub, Mul, Div, Rem, Pow, And, Or, Xor, Shl, Shr}

func (p *parser) let() Stmt {
	kw := p.advance()
	name := p.name("a name")
	s := &LetStmt{At: At{name.Pos}, Mutable: kw.Kind == Var, Name: name.Text}
	if p.startsType() {
		s.Type = p.typeExpr()
	}
	if p.accept(Assign) {
		s.Value = p.expr()
	} else if t := p.tok(); !s.Mutable {
		p.fail(t.Pos, "expected '=', found %s", t.describe())
	} else if s.Type == nil {
		p.fail(t.Pos, "var %s needs a type or a value", s.Name)
	}
	return s
}

func (p *parser) funcDecl() Stmt {
	p.advance()
	name := p.name("the name of the function")
	d := &FuncDecl{At: At{name.Pos}, Name: name.Text, Func: &Function{At: At{name.Pos}}}
	p.expect(LParen)
	d.Func.Params = p.params(RParen)
	if p.startsType() {
		d.Func.Result = p.typeExpr()
	}
	if t := p.tok(); t.Kind == Arrow {
		p.body(d.Func)
	} else {
		p.function(func() { d.Func.Body = p.block() })
	}
	return d
}

// function parses the body of a function, with loops of its own.
func (p *parser) function(f func()) {
	loops := p.loops
	p.inFun++
	p.loops = 0
	f()
	p.inFun--
	p.loops = loops
}

// body parses what follows an arrow.
func (p *parser) body(f *Function) {
	arrow := p.expect(Arrow)
	p.function(func() {
		if f.Lambda && p.kind() == LBrace {
			f.Body = p.block()
			return
		}
		x := p.expr()
		f.Body = &Block{At: At{arrow.Pos}, End: x.Where(), Stmts: []Stmt{&ExprStmt{At{x.Where()}, x}}}
	})
}

// params parses parameters, or fields up to a }, and gives each the next type to
// its right, as Go does; _ leaves a parameter untyped.
func (p *parser) params(end Kind) []Param {
	var list []Param
	fields := end == RBrace
	p.list(end, fields, func() {
		var t *Token
		if fields {
			t = p.word("a field")
		} else {
			t = p.name("a parameter")
		}
		q := Param{At: At{t.Pos}, Name: t.Text}
		if p.startsType() {
			q.Type = p.typeExpr()
		}
		list = append(list, q)
	})
	var right TypeExpr
	for i := len(list) - 1; i >= 0; i-- {
		q := &list[i]
		if n, ok := q.Type.(*NamedType); ok && n.Name == "_" {
			q.Type = nil
			if fields {
				p.report(n.Pos, "", "field %s needs a type", q.Name)
			}
			continue
		}
		if q.Type != nil {
			right = q.Type
		} else if q.Type = right; right == nil && fields {
			p.report(q.Pos, "", "field %s needs a type", q.Name)
		}
	}
	return list
}

func (p *parser) typeDecl() Stmt {
	p.advance()
	name := p.name("the name of the type")
	d := &TypeDecl{At: At{name.Pos}, Name: name.Text}
	p.expect(LBrace)
	d.Fields = p.params(RBrace)
	return d
}

func (p *parser) importStmt() Stmt {
	kw := p.advance()
	if p.blocks > 0 || p.inFun > 0 {
		p.report(kw.Pos, "", "import stands at the top level only")
	}
	s := &ImportStmt{}
	if p.kind() == Ident {
		s.Name = p.advance().Text
	}
	t := p.expect(String)
	s.Pos = t.Pos
	if len(t.Parts()) != 1 || t.Parts()[0].Tokens != nil {
		p.fail(t.Pos, "the path of an import is plain text")
	}
	s.Path = t.Parts()[0].Text
	if s.Name == "" {
		s.Name = path.Base(s.Path)
	}
	if s.Path == "" || path.Clean(s.Path) != s.Path || path.IsAbs(s.Path) || strings.HasPrefix(s.Path, ".") {
		p.report(t.Pos, "", "%q is not the path of a module, as \"geo/shapes\"", s.Path)
	}
	return s
}

// head parses an expression before a block.
func (p *parser) head() Expr {
	outer := p.noBrace
	p.noBrace = true
	x := p.expr()
	p.noBrace = outer
	return x
}

func (p *parser) forStmt() Stmt {
	at := At{p.advance().Pos}
	body := func() *Block {
		p.loops++
		b := p.block()
		p.loops--
		return b
	}
	switch {
	case p.kind() == LBrace:
		return &LoopStmt{At: at, Body: body()}
	case p.kind() == Ident && p.peek(1) == In:
		v := p.loopVar()
		p.advance()
		x := p.head()
		if k := p.kind(); k == Range || k == RangeInc {
			p.advance()
			to := p.head()
			return &CountStmt{At: at, Var: v, From: x, To: to, Inclusive: k == RangeInc, Body: body()}
		}
		return &EachStmt{At: at, Vars: []*Name{v}, X: x, Body: body()}
	case p.kind() == Ident && p.peek(1) == Comma && p.peek(2) == Ident && p.peek(3) == In:
		v := p.loopVar()
		p.advance()
		w := p.loopVar()
		p.advance()
		x := p.head()
		return &EachStmt{At: at, Vars: []*Name{v, w}, X: x, Body: body()}
	}
	cond := p.head()
	return &LoopStmt{At: at, Cond: cond, Body: body()}
}

func (p *parser) loopVar() *Name {
	t := p.advance()
	return &Name{At{t.Pos}, t.Text}
}
