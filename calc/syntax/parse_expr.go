package syntax

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
	if op := p.tok(); op.Kind == Coalesce {
		p.advance()
		return &Binary{At{op.Pos}, Coalesce, x, p.expr()}
	}
	return x
}

// startsLambda tells whether a name or a parenthesis with an arrow behind it
// stands here.
func (p *parser) startsLambda() bool {
	switch t := p.tok(); t.Kind {
	case Ident:
		return p.peek(1) == Arrow
	case LParen:
		return t.match > 0 && p.toks[t.match+1].Kind == Arrow
	}
	return false
}

func (p *parser) lambda() Expr {
	f := &Function{Lambda: true}
	if t := p.tok(); t.Kind == Ident {
		p.advance()
		f.Params = []Param{{At: At{t.Pos}, Name: t.Text}}
	} else {
		p.advance()
		f.Params = p.params(RParen)
	}
	f.Pos = p.tok().Pos
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
		x = &Binary{At{op.Pos}, op.Kind, x, p.binary(prec + 1)}
	}
}

func (p *parser) unary() Expr {
	op := p.tok()
	switch op.Kind {
	case Sub, Not, Xor:
		p.enter()
		defer p.leave()
		p.advance()
		if t := p.tok(); op.Kind == Sub && t.big && p.peek(1) != Pow {
			p.advance()
			return p.postfix(&IntLit{At{op.Pos}, t.Int})
		}
		return &Unary{At{op.Pos}, op.Kind, p.unary()}
	}
	return p.power()
}

// power parses **, which is right-associative and binds tighter than a minus on
// its left, but not than one on its right.
func (p *parser) power() Expr {
	x := p.postfix(p.operand())
	if op := p.tok(); op.Kind == Pow {
		p.enter()
		defer p.leave()
		p.advance()
		return &Binary{At{op.Pos}, Pow, x, p.unary()}
	}
	return x
}

func (p *parser) postfix(x Expr) Expr {
	for {
		switch t := p.tok(); t.Kind {
		case LParen:
			x = p.call(x)
		case Dot, QuestDot:
			p.advance()
			name := p.name("a name")
			x = &Selector{At{name.Pos}, x, t.Kind == QuestDot, name.Text}
		case LBrack:
			x = p.index(x)
		case Unwrap:
			p.advance()
			x = &UnwrapExpr{At{t.Pos}, x}
		case As:
			p.advance()
			x = &Cast{At{t.Pos}, x, p.castType()}
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
		lit.Fields = append(lit.Fields, FieldValue{At{name.Pos}, name.Text, p.expr()})
	})
	return lit
}

func (p *parser) call(f Expr) Expr {
	c := &Call{At: At{p.advance().Pos}, Fun: f}
	switch f.(type) {
	case *Name, *Selector:
		c.Pos = f.Where()
	}
	c.Args = p.exprs(RParen)
	return c
}

// exprs parses expressions up to a closing bracket.
func (p *parser) exprs(end Kind) []Expr {
	var list []Expr
	p.list(end, false, func() { list = append(list, p.expr()) })
	return list
}

func (p *parser) index(x Expr) Expr {
	at := At{p.expect(LBrack).Pos}
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
	return &Index{at, x, from}
}

func (p *parser) operand() Expr {
	t := p.tok()
	at := At{t.Pos}
	switch t.Kind {
	case Ident:
		p.advance()
		return &Name{at, t.Text}
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
		p.fail(t.Pos, "a function without a name is written (a, b) => a + b")
	}
	p.fail(t.Pos, "expected an expression, found %s", t.describe())
	return nil
}

func (p *parser) literal() Expr {
	t := p.advance()
	at := At{t.Pos}
	switch t.Kind {
	case Int:
		if t.big {
			p.report(t.Pos, "", "number %s is too large for an int", t.Text)
		}
		return &IntLit{at, t.Int}
	case Float:
		return &FloatLit{at, t.Float()}
	case String:
		return p.stringLit(t)
	case Nil:
		return &NilLit{at}
	}
	return &BoolLit{at, t.Kind == True}
}

func (p *parser) stringLit(t *Token) Expr {
	lit := &StringLit{At: At{t.Pos}}
	for _, part := range t.Parts() {
		if part.Tokens == nil {
			lit.Parts = append(lit.Parts, StringPart{Text: part.Text})
			continue
		}
		toks, i := p.toks, p.i
		p.toks, p.i = part.Tokens, 0
		pair(p.toks)
		var x Expr
		p.inside(func() { x = p.expr() })
		if rest := p.tok(); rest.Kind != EOF {
			p.fail(rest.Pos, "expected '}', found %s", rest.describe())
		}
		p.toks, p.i = toks, i
		lit.Parts = append(lit.Parts, StringPart{X: x})
	}
	return lit
}

func (p *parser) mapLit() Expr {
	lit := &MapLit{At: At{p.advance().Pos}}
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
		x := &IfExpr{At: At{p.advance().Pos}}
		if first == nil {
			first = x
		} else {
			last.Else = x
		}
		last = x
		if p.accept(Let) {
			name := p.name("a name")
			x.Let = &Name{At{name.Pos}, name.Text}
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
	m := &MatchExpr{At: At{p.advance().Pos}}
	m.X = p.head()
	p.expect(LBrace)
	p.list(RBrace, true, func() { m.Arms = append(m.Arms, p.arm()) })
	return m
}

func (p *parser) arm() MatchArm {
	a := MatchArm{At: At{p.tok().Pos}}
	if t := p.tok(); t.Kind == Ident && t.Text == "_" {
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
	if t.Kind == Sub && p.peek(1) == Int {
		p.advance()
		n := p.advance()
		return &IntLit{At{t.Pos}, -n.Int}
	}
	switch t.Kind {
	case Int, String, True, False, Nil:
		x := p.literal()
		if s, ok := x.(*StringLit); ok && (len(s.Parts) != 1 || s.Parts[0].X != nil) {
			p.fail(t.Pos, "a pattern is plain text")
		}
		return x
	}
	p.fail(t.Pos, "expected a literal or '_', found %s", t.describe())
	return nil
}
