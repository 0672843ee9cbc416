package syntax

import (
	"math"
	"slices"
)

// precedence of binary operators; 0 for other tokens.
func precedence(k Kind) int {
	switch k {
	case OrOr:
		return 1
	case AndAnd:
		return 2
	case Eq, Ne, Lt, Le, Gt, Ge, In:
		return comparison
	case Add, Sub, Or, Xor:
		return 4
	case Mul, Div, Rem, IntDiv, Shl, Shr, And:
		return 5
	}
	return 0
}

const comparison = 3

// expr parses a whole expression: a lambda, or operands joined by ??.
func (p *parser) expr() Expr {
	p.enter()
	defer p.leave()
	if p.startsLambda() {
		return p.lambda()
	}
	x := p.binary(1)
	if op := p.tok(); op.kind == Coalesce {
		p.advance()
		return &Binary{p.at(op), Coalesce, x, p.expr()}
	}
	return x
}

// startsLambda tells whether a name or a parenthesis with an arrow behind it
// stands here.
func (p *parser) startsLambda() bool {
	switch t := p.tok(); t.kind {
	case Ident:
		return p.peek(1) == Arrow
	case LParen:
		return t.aux > 0 && p.toks[t.aux+1].kind == Arrow
	}
	return false
}

func (p *parser) lambda() Expr {
	f := &Function{Lambda: true}
	if t := p.tok(); t.kind == Ident {
		p.advance()
		f.Params = []Param{{At: p.at(t), Name: p.text(t)}}
	} else {
		p.advance()
		f.Params = p.params(RParen)
	}
	f.Pos = p.pos(p.tok())
	p.body(f)
	return &Lambda{At{f.Pos}, f}
}

// binary parses operators of at least the given precedence, by precedence
// climbing.
func (p *parser) binary(least int) Expr {
	x := p.unary()
	compared := false
	for {
		op := p.tok()
		prec := precedence(op.kind)
		if prec < least || prec == 0 {
			return x
		}
		if prec == comparison {
			if compared {
				p.report(p.pos(op), "join comparisons with &&", "comparisons do not chain")
			}
			compared = true
		}
		p.advance()
		x = p.nodes.binaries.add(Binary{p.at(op), op.kind, x, p.binary(prec + 1)})
	}
}

func (p *parser) unary() Expr {
	op := p.tok()
	switch op.kind {
	case Sub, Not, Xor:
		p.enter()
		defer p.leave()
		p.advance()
		if t := p.tok(); op.kind == Sub && t.big && p.peek(1) != Pow {
			p.advance()
			return p.postfix(&IntLit{p.at(op), p.scanner.values[t.aux]})
		}
		return &Unary{p.at(op), op.kind, p.unary()}
	}
	return p.power()
}

// power parses **, which is right-associative and binds tighter than a minus on
// its left, but not than one on its right.
func (p *parser) power() Expr {
	x := p.postfix(p.operand())
	if op := p.tok(); op.kind == Pow {
		p.enter()
		defer p.leave()
		p.advance()
		return &Binary{p.at(op), Pow, x, p.unary()}
	}
	return x
}

func (p *parser) postfix(x Expr) Expr {
	for {
		switch t := p.tok(); t.kind {
		case LParen:
			x = p.call(x)
		case Dot, QuestDot:
			p.advance()
			name := p.name("a name")
			x = p.nodes.selectors.add(Selector{p.at(name), x, t.kind == QuestDot, p.text(name)})
		case LBrack:
			x = p.index(x)
		case Unwrap:
			p.advance()
			x = &UnwrapExpr{p.at(t), x}
		case As:
			p.advance()
			x = &Cast{p.at(t), x, p.castType()}
		case LBrace:
			typ := literalType(x)
			if typ == nil || p.noBrace {
				return x
			}
			x = p.structLit(typ)
		default:
			return x
		}
	}
}

// literalType returns x as the name of a struct type, if it can be one.
func literalType(x Expr) *NamedType {
	switch x := x.(type) {
	case *Name:
		return &NamedType{x.At, "", x.Name}
	case *Selector:
		if m, ok := x.X.(*Name); ok && !x.Option {
			return &NamedType{m.At, m.Name, x.Name}
		}
	}
	return nil
}

func (p *parser) structLit(typ *NamedType) Expr {
	lit := &StructLit{At: typ.At, Type: typ}
	p.advance()
	p.list(RBrace, true, func() {
		name := p.word("a field")
		p.expect(Colon)
		lit.Fields = append(lit.Fields, FieldValue{p.at(name), p.text(name), p.expr()})
	})
	return lit
}

func (p *parser) call(f Expr) Expr {
	c := p.nodes.calls.add(Call{At: p.at(p.advance()), Fun: f})
	switch f.(type) {
	case *Name, *Selector:
		c.Pos = f.Where()
	}
	c.Args = p.exprs(RParen)
	return c
}

// exprs parses expressions up to a closing bracket.
func (p *parser) exprs(end Kind) []Expr {
	start := len(p.exprStack)
	p.list(end, false, func() { p.exprStack = append(p.exprStack, p.expr()) })
	list := slices.Clone(p.exprStack[start:])
	p.exprStack = p.exprStack[:start]
	return list
}

func (p *parser) index(x Expr) Expr {
	at := p.at(p.expect(LBrack))
	var from, to Expr
	slice := false
	p.inside(func() {
		if p.kind() != Colon {
			from = p.expr()
		}
		if slice = p.kind() != RBrack; slice {
			p.expect(Colon)
			if p.kind() != RBrack {
				to = p.expr()
			}
		}
		p.expect(RBrack)
	})
	if slice {
		return &Slice{at, x, from, to}
	}
	return p.nodes.indexes.add(Index{at, x, from})
}

func (p *parser) operand() Expr {
	t := p.tok()
	at := p.at(t)
	switch t.kind {
	case Ident:
		p.advance()
		return p.nodes.names.add(Name{at, p.text(t)})
	case Int, Float, String, True, False, Nil:
		return p.literal()
	case LParen:
		p.advance()
		var x Expr
		p.inside(func() {
			x = p.expr()
			p.expect(RParen)
		})
		return x
	case LBrack:
		p.advance()
		return &ListLit{at, p.exprs(RBrack)}
	case LBrace:
		if !p.noBrace {
			return p.mapLit()
		}
	case If:
		return p.ifExpr()
	case Match:
		return p.matchExpr()
	case Do:
		p.advance()
		return p.block()
	case Func:
		p.fail(p.pos(t), "a function without a name is written (a, b) => a + b")
	}
	p.fail(p.pos(t), "expected an expression, found %s", p.describe(t))
	return nil
}

func (p *parser) literal() Expr {
	t := p.advance()
	at := p.at(t)
	switch t.kind {
	case Int:
		if t.big {
			p.report(p.pos(t), "", "number %s is too large for an int", p.text(t))
		}
		return p.nodes.ints.add(IntLit{at, p.scanner.values[t.aux]})
	case Float:
		return &FloatLit{at, math.Float64frombits(uint64(p.scanner.values[t.aux]))}
	case String:
		return p.stringLit(t)
	case Nil:
		return &NilLit{at}
	}
	return &BoolLit{at, t.kind == True}
}

func (p *parser) stringLit(t *tok) Expr {
	lit := &StringLit{At: p.at(t)}
	parts := p.scanner.strings[t.aux]
	lit.Parts = make([]StringPart, 0, len(parts))
	for _, part := range parts {
		if part.toks == nil {
			lit.Parts = append(lit.Parts, StringPart{Text: part.text})
			continue
		}
		toks, i := p.toks, p.i
		p.toks, p.i = part.toks, 0
		pair(p.toks)
		var x Expr
		p.inside(func() { x = p.expr() })
		if rest := p.tok(); rest.kind != EOF {
			p.fail(p.pos(rest), "expected '}', found %s", p.describe(rest))
		}
		p.toks, p.i = toks, i
		lit.Parts = append(lit.Parts, StringPart{X: x})
	}
	return lit
}

func (p *parser) mapLit() Expr {
	lit := &MapLit{At: p.at(p.advance())}
	p.list(RBrace, true, func() {
		key := p.expr()
		p.expect(Colon)
		lit.Entries = append(lit.Entries, MapEntry{key, p.expr()})
	})
	return lit
}

// ifExpr parses a whole chain of else if without recursion.
func (p *parser) ifExpr() Expr {
	var first, last *IfExpr
	for {
		x := &IfExpr{At: p.at(p.advance())}
		if first == nil {
			first = x
		} else {
			last.Else = x
		}
		last = x
		if p.accept(Let) {
			name := p.name("a name")
			x.Let = &Name{p.at(name), p.text(name)}
			p.expect(Assign)
		}
		x.Cond = p.head()
		x.Then = p.block()
		if !p.accept(Else) {
			return first
		}
		if p.kind() != If {
			x.Else = p.block()
			return first
		}
	}
}

func (p *parser) matchExpr() Expr {
	m := &MatchExpr{At: p.at(p.advance())}
	m.X = p.head()
	p.expect(LBrace)
	p.list(RBrace, true, func() { m.Arms = append(m.Arms, p.arm()) })
	return m
}

func (p *parser) arm() MatchArm {
	a := MatchArm{At: p.at(p.tok())}
	if t := p.tok(); t.kind == Ident && p.text(t) == "_" {
		p.advance()
	} else {
		a.Patterns = append(a.Patterns, p.pattern())
		for p.accept(Comma) {
			a.Patterns = append(a.Patterns, p.pattern())
		}
	}
	p.expect(Arrow)
	if p.kind() == LBrace {
		a.Body = p.block()
	} else {
		a.Body = p.expr()
	}
	return a
}

// pattern parses a literal.
func (p *parser) pattern() Expr {
	t := p.tok()
	if t.kind == Sub && p.peek(1) == Int {
		p.advance()
		n := p.advance()
		return &IntLit{p.at(t), -p.scanner.values[n.aux]}
	}
	switch t.kind {
	case Int, String, True, False, Nil:
		x := p.literal()
		if s, ok := x.(*StringLit); ok && (len(s.Parts) != 1 || s.Parts[0].X != nil) {
			p.fail(p.pos(t), "a pattern is plain text")
		}
		return x
	}
	p.fail(p.pos(t), "expected a literal or '_', found %s", p.describe(t))
	return nil
}
