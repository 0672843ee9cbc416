package syntax

// startsType tells whether a type can begin here.
func (p *parser) startsType() bool {
	switch p.kind() {
	case Ident, LBrack, LParen, Func:
		return true
	}
	return false
}

// typeExpr parses a type with all its question marks; T?? is T?.
func (p *parser) typeExpr() TypeExpr {
	t := p.typeOperand()
	for {
		switch k := p.kind(); k {
		case Quest, Coalesce:
			t = &OptionType{p.at(p.advance()), t}
		default:
			return t
		}
	}
}

// castType parses the type of an as, behind which ?? is the operator.
func (p *parser) castType() TypeExpr {
	t := p.typeOperand()
	for p.kind() == Quest {
		t = &OptionType{p.at(p.advance()), t}
	}
	return t
}

func (p *parser) typeOperand() TypeExpr {
	p.enter()
	defer p.leave()
	t := p.tok()
	at := p.at(t)
	switch t.kind {
	case LBrack:
		p.advance()
		p.expect(RBrack)
		return &ListType{at, p.typeExpr()}
	case LParen:
		p.advance()
		inner := p.typeExpr()
		p.expect(RParen)
		return inner
	case Func:
		p.advance()
		p.expect(LParen)
		f := &FuncType{At: at}
		p.list(RParen, false, func() { f.Params = append(f.Params, p.typeExpr()) })
		if p.startsType() {
			f.Result = p.typeExpr()
		}
		return f
	}
	p.name("a type")
	if p.text(t) == "map" && p.kind() == LBrack {
		p.advance()
		m := &MapType{At: at, Key: p.typeExpr()}
		p.expect(RBrack)
		m.Elem = p.typeExpr()
		return m
	}
	if p.accept(Dot) {
		return &NamedType{at, p.text(t), p.text(p.name("a type"))}
	}
	return &NamedType{at, "", p.text(t)}
}
