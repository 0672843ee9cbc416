package syntax

import (
	"path"
	"strings"
)

func (p *parser) stmt() Stmt {
	t := p.tok()
	switch t.kind {
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
			p.report(p.pos(t), "", "%v outside of a loop", t.kind)
		}
		return &BranchStmt{p.at(t), t.kind}
	case Return:
		p.advance()
		if p.inFun == 0 {
			p.report(p.pos(t), "", "return outside of a function")
		}
		s := &ReturnStmt{At: p.at(t)}
		if k := p.kind(); k != Semi && k != RBrace && k != EOF {
			s.Value = p.expr()
		}
		return s
	}
	x := p.expr()
	op := p.tok()
	if op.kind != Assign && (op.kind < AddAssign || op.kind > Dec) {
		return p.nodes.exprs.add(ExprStmt{At{x.Where()}, x})
	}
	s := p.nodes.assigns.add(AssignStmt{At: p.at(op), Target: x})
	switch {
	case op.kind == Assign:
	case op.kind <= ShrAssign:
		s.Op = assignOps[op.kind-AddAssign]
	default:
		s.Op = Add + (op.kind - Inc)
		s.Value = p.nodes.ints.add(IntLit{p.at(op), 1})
	}
	switch x := x.(type) {
	case *Name, *Index:
	case *Selector:
		if x.Option {
			p.fail(p.pos(op), "?. cannot be assigned to")
		}
	default:
		p.fail(p.pos(op), "only a variable, an element or a field can be assigned")
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
	s := &LetStmt{At: p.at(name), Mutable: kw.kind == Var, Name: p.text(name)}
	if p.startsType() {
		s.Type = p.typeExpr()
	}
	if p.accept(Assign) {
		s.Value = p.expr()
	} else if t := p.tok(); !s.Mutable {
		p.fail(p.pos(t), "expected '=', found %s", p.describe(t))
	} else if s.Type == nil {
		p.fail(p.pos(t), "var %s needs a type or a value", s.Name)
	}
	return s
}

func (p *parser) funcDecl() Stmt {
	p.advance()
	name := p.name("the name of the function")
	d := &FuncDecl{At: p.at(name), Name: p.text(name), Func: &Function{At: p.at(name)}}
	p.expect(LParen)
	d.Func.Params = p.params(RParen)
	if p.startsType() {
		d.Func.Result = p.typeExpr()
	}
	if t := p.tok(); t.kind == Arrow {
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
		f.Body = &Block{At: p.at(arrow), End: x.Where(), Stmts: []Stmt{&ExprStmt{At{x.Where()}, x}}}
	})
}

// params parses parameters, or fields up to a }, and gives each the next type to
// its right, as Go does; _ leaves a parameter untyped.
func (p *parser) params(end Kind) []Param {
	var list []Param
	fields := end == RBrace
	p.list(end, fields, func() {
		var t *tok
		if fields {
			t = p.word("a field")
		} else {
			t = p.name("a parameter")
		}
		q := Param{At: p.at(t), Name: p.text(t)}
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
	d := &TypeDecl{At: p.at(name), Name: p.text(name)}
	p.expect(LBrace)
	d.Fields = p.params(RBrace)
	return d
}

func (p *parser) importStmt() Stmt {
	kw := p.advance()
	if p.blocks > 0 || p.inFun > 0 {
		p.report(p.pos(kw), "", "import stands at the top level only")
	}
	s := &ImportStmt{}
	if p.kind() == Ident {
		s.Name = p.text(p.advance())
	}
	t := p.tok()
	if t.kind != String {
		p.fail(p.pos(t), "expected a path, as in import \"geo/shapes\", found %s", p.describe(t))
	}
	p.advance()
	s.Pos = p.pos(t)
	parts := p.scanner.strings[t.aux]
	if len(parts) != 1 || parts[0].toks != nil {
		p.fail(p.pos(t), "the path of an import is plain text")
	}
	s.Path = parts[0].text
	if s.Name == "" {
		s.Name = path.Base(s.Path)
	}
	if s.Path == "" || path.Clean(s.Path) != s.Path || path.IsAbs(s.Path) || strings.HasPrefix(s.Path, ".") {
		p.report(p.pos(t), "", "%q is not the path of a module, as \"geo/shapes\"", s.Path)
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
	at := p.at(p.advance())
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
	return &Name{p.at(t), p.text(t)}
}
