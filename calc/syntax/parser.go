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
	pair(toks)
	f := &File{Name: name, Stmts: p.stmts(EOF)}
	if len(p.errs) == 0 {
		return f, nil
	}
	slices.SortStableFunc(p.errs, func(a, b *Error) int { return int(a.Pos.Offset - b.Pos.Offset) })
	return f, p.errs[:min(len(p.errs), MaxErrors)]
}

// pair tells each opening parenthesis where its partner is, so that a lambda is
// known by the arrow behind it.
func pair(toks []Token) {
	var open []int
	for i, t := range toks {
		switch t.Kind {
		case LParen, LBrack, LBrace:
			open = append(open, i)
		case RParen, RBrack, RBrace:
			if n := len(open); n > 0 && toks[open[n-1]].Kind == t.Kind-1 {
				toks[open[n-1]].match = int32(i)
				open = open[:n-1]
			}
		}
	}
}

type parser struct {
	toks    []Token
	i       int
	depth   int
	inFun   int  // depth of functions, where return is allowed
	loops   int  // depth of loops in the current function
	blocks  int  // depth of blocks
	noBrace bool // in the head of if, for or match, where { starts the block
	errs    ErrorList
}

// bailout unwinds the parser to the nearest statement.
type bailout struct{}

func (p *parser) tok() *Token { return &p.toks[p.i] }

func (p *parser) kind() Kind { return p.toks[p.i].Kind }

func (p *parser) peek(n int) Kind {
	if p.i+n < len(p.toks) {
		return p.toks[p.i+n].Kind
	}
	return EOF
}

func (p *parser) advance() *Token {
	t := &p.toks[p.i]
	if t.Kind != EOF {
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
	p.report(pos, "", format, args...)
	panic(bailout{})
}

func (p *parser) expect(k Kind) *Token {
	t := p.tok()
	if t.Kind != k {
		p.fail(t.Pos, "expected '%v', found %s", k, t.describe())
	}
	return p.advance()
}

// name reads an identifier, saying what it is for if there is none.
func (p *parser) name(what string) *Token {
	t := p.tok()
	if t.Kind != Ident {
		p.fail(t.Pos, "expected %s, found %s", what, t.describe())
	}
	return p.advance()
}

// word reads a name where keywords are names as well.
func (p *parser) word(what string) *Token {
	if t := p.tok(); t.Kind > keywords {
		return p.advance()
	}
	return p.name(what)
}

// enter bounds recursion; leave goes back.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		pos := p.tok().Pos
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
			if t := p.tok(); t.Kind != end && t.Kind != Comma && (!lines || t.Kind != Semi) {
				p.fail(t.Pos, "expected ',' or '%v', found %s", end, t.describe())
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
	var list []Stmt
	for {
		for p.kind() == Semi {
			p.advance()
		}
		if k := p.kind(); k == end || k == EOF {
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
	before := *p
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(bailout); !ok {
				panic(r)
			}
			i, errs := p.i, p.errs
			inInterpolation := len(p.toks) != len(before.toks) || &p.toks[0] != &before.toks[0]
			*p = before
			p.errs = errs
			start := p.i
			if !inInterpolation {
				p.i = i
			}
			p.skip(start, end)
			s = nil
		}
	}()
	s = p.stmt()
	if t := p.tok(); t.Kind != Semi && t.Kind != end && t.Kind != EOF {
		p.fail(t.Pos, "expected end of statement, found %s", t.describe())
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
		switch t.Kind {
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
	b := &Block{At: At{p.expect(LBrace).Pos}}
	p.blocks++
	p.enter()
	defer p.leave()
	p.inside(func() { b.Stmts = p.stmts(RBrace) })
	p.blocks--
	if p.kind() == EOF {
		p.fail(b.Pos, "'{' is not closed")
	}
	b.End = p.advance().Pos
	return b
}
