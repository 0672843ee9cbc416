package syntax

import (
	"fmt"
	"slices"
)

// Parse parses a source. If the error is not nil it is an [ErrorList], and the
// file holds what could be parsed. name is only kept in File.Name.
func Parse(name, src string) (*File, error) {
	s := scan(src)
	p := &parser{scanner: s, errs: s.errs, state: state{toks: s.toks}}
	pair(p.toks)
	f := &File{Name: name, Stmts: p.stmts(EOF)}
	if len(p.errs) == 0 {
		return f, nil
	}
	slices.SortStableFunc(p.errs, func(a, b *Error) int { return int(a.Pos.Offset - b.Pos.Offset) })
	return f, p.errs[:min(len(p.errs), MaxErrors)]
}

// pair tells each opening parenthesis where its partner is, so that a lambda is
// known by the arrow behind it.
func pair(toks []tok) {
	var few [32]int
	open := few[:0]
	for i := range toks {
		switch k := toks[i].kind; k {
		case LParen, LBrack, LBrace:
			open = append(open, i)
		case RParen, RBrack, RBrace:
			if n := len(open); n > 0 && toks[open[n-1]].kind == k-1 {
				toks[open[n-1]].aux = int32(i)
				open = open[:n-1]
			}
		}
	}
}

type parser struct {
	scanner *scanner
	nodes   nodes
	errs    ErrorList
	state

	// What is on these belongs to lists that are being read.
	stmtStack []Stmt
	exprStack []Expr
}

// state is where a parser stands, to which it goes back after an error.
type state struct {
	toks    []tok
	i       int
	depth   int
	inFun   int  // depth of functions, where return is allowed
	loops   int  // depth of loops in the current function
	blocks  int  // depth of blocks
	noBrace bool // in the head of if, for or match, where { starts the block
}

// bailout unwinds the parser to the nearest statement.
type bailout struct{}

func (p *parser) tok() *tok { return &p.toks[p.i] }

func (p *parser) kind() Kind { return p.toks[p.i].kind }

// at returns the position of a token for a node.
func (p *parser) at(t *tok) At { return At{p.scanner.where(t)} }

func (p *parser) pos(t *tok) Pos { return p.scanner.where(t) }

func (p *parser) text(t *tok) string { return p.scanner.text(t) }

// describe is how messages speak of a token.
func (p *parser) describe(t *tok) string {
	switch t.kind {
	case EOF, String:
		return t.kind.String()
	case Semi:
		if t.end > t.off {
			return "';'"
		}
		return "end of line"
	}
	return "'" + p.text(t) + "'"
}

func (p *parser) peek(n int) Kind {
	if p.i+n < len(p.toks) {
		return p.toks[p.i+n].kind
	}
	return EOF
}

func (p *parser) advance() *tok {
	t := &p.toks[p.i]
	if t.kind != EOF {
		p.i++
	}
	return t
}

func (p *parser) accept(k Kind) bool {
	if p.kind() == k {
		p.advance()
		return true
	}
	return false
}

func (p *parser) report(pos Pos, hint, format string, args ...any) {
	p.errs = append(p.errs, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *parser) fail(pos Pos, format string, args ...any) {
	p.report(pos, p.foreign(), format, args...)
	panic(bailout{})
}

func (p *parser) expect(k Kind) *tok {
	t := p.tok()
	if t.kind != k {
		p.fail(p.pos(t), "expected '%v', found %s", k, p.describe(t))
	}
	return p.advance()
}

// name reads an identifier, saying what it is for if there is none.
func (p *parser) name(what string) *tok {
	t := p.tok()
	if t.kind != Ident {
		p.fail(p.pos(t), "expected %s, found %s", what, p.describe(t))
	}
	return p.advance()
}

// word reads a name where keywords are names as well.
func (p *parser) word(what string) *tok {
	if t := p.tok(); t.kind > keywords {
		return p.advance()
	}
	return p.name(what)
}

// enter bounds recursion; leave goes back.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		pos := p.pos(p.tok())
		p.i = len(p.toks) - 1 // what follows would only fail as well
		p.fail(pos, "nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// inside parses something in brackets, where { is a map again.
func (p *parser) inside(f func()) {
	outer := p.noBrace
	p.noBrace = false
	f()
	p.noBrace = outer
}

// list parses what each reads up to the closing bracket, separated by commas;
// with lines, newlines separate too.
func (p *parser) list(end Kind, lines bool, each func()) {
	p.inside(func() {
		for {
			for lines && p.kind() == Semi {
				p.advance()
			}
			if p.kind() == end {
				break
			}
			each()
			if t := p.tok(); t.kind != end && t.kind != Comma && (!lines || t.kind != Semi) {
				p.fail(p.pos(t), "expected ',' or '%v', found %s", end, p.describe(t))
			}
			for lines && p.kind() == Semi {
				p.advance()
			}
			p.accept(Comma)
		}
		p.advance()
	})
}

// stmts parses statements up to end, which is not consumed.
func (p *parser) stmts(end Kind) []Stmt {
	start := len(p.stmtStack)
	for {
		for p.kind() == Semi {
			p.advance()
		}
		if k := p.kind(); k == end || k == EOF {
			list := slices.Clone(p.stmtStack[start:])
			p.stmtStack = p.stmtStack[:start]
			return list
		}
		if s := p.recoveringStmt(end); s != nil {
			p.stmtStack = append(p.stmtStack, s)
		}
		if len(p.errs) >= MaxErrors {
			p.i = len(p.toks) - 1
		}
	}
}

// recoveringStmt parses one statement; after an error it skips to the next.
func (p *parser) recoveringStmt(end Kind) (s Stmt) {
	before, stmts, exprs := p.state, len(p.stmtStack), len(p.exprStack)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(bailout); !ok {
				panic(r)
			}
			i := p.i
			inInterpolation := len(p.toks) != len(before.toks) || &p.toks[0] != &before.toks[0]
			p.state = before
			p.stmtStack, p.exprStack = p.stmtStack[:stmts], p.exprStack[:exprs]
			start := p.i
			if !inInterpolation {
				p.i = i
			}
			p.skip(start, end)
			s = nil
			if e := p.errs[len(p.errs)-1]; e.Hint == "" && p.toks[start].kind == For && start+1 < len(p.toks) && p.toks[start+1].kind == LParen {
				e.Hint = "loops are: for i in 0..n { ... }, for cond { ... }, for { ... }"
			}
		}
	}()
	s = p.stmt()
	if t := p.tok(); t.kind != Semi && t.kind != end && t.kind != EOF {
		p.fail(p.pos(t), "expected end of statement, found %s", p.describe(t))
	}
	return s
}

// skip goes to the end of a broken statement that began at token start.
func (p *parser) skip(start int, end Kind) {
	if p.kind() == EOF { // many blocks may end here, each after a long way
		return
	}
	braces := 0
	for _, t := range p.toks[start:p.i] {
		switch t.kind {
		case LBrace:
			braces++
		case RBrace:
			braces--
		}
	}
	for ; ; p.i++ {
		switch p.kind() {
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

func (p *parser) block() *Block {
	b := p.nodes.blocks.add(Block{At: p.at(p.expect(LBrace))})
	p.blocks++
	p.enter()
	defer p.leave()
	p.inside(func() { b.Stmts = p.stmts(RBrace) })
	p.blocks--
	if p.kind() == EOF {
		p.fail(b.Pos, "'{' is not closed")
	}
	b.End = p.pos(p.advance())
	return b
}
