package syntax

import (
	"fmt"
	"slices"
	"strings"
)

// Parse parses a whole script; name is for errors.
func Parse(src, name string) (List, error) {
	p := &parser{src: src, name: name, line: 1}
	return p.parse()
}

type parser struct {
	src       string
	name      string
	off       int
	line      int
	lineStart int
	depth     int
	pending   []*hereDoc // whose bodies begin behind the next newline
}

type hereDoc struct {
	redir  *Redir
	end    string
	quoted bool
}

// parse runs the parser; errors come by panic from deep inside.
func (p *parser) parse() (list List, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			list, err = nil, e
		}
	}()
	list = p.list()
	if !p.eof() {
		p.unexpected()
	}
	p.hereDocs()
	return list, nil
}

func (p *parser) pos() Pos { return Pos{p.line, p.off - p.lineStart + 1} }

func (p *parser) fail(pos Pos, incomplete bool, format string, args ...any) {
	panic(&Error{Name: p.name, Pos: pos, Msg: fmt.Sprintf(format, args...), Incomplete: incomplete})
}

func (p *parser) unexpected() {
	if p.eof() {
		p.fail(p.pos(), true, "unexpected end of script")
	}
	text := p.operator()
	switch {
	case text == "\n":
		text = "newline"
	case text == "":
		end := p.off
		for end < len(p.src) && !isMeta(p.src[end]) {
			end++
		}
		text = p.src[p.off:max(end, p.off+1)]
	}
	p.fail(p.pos(), false, "unexpected %q", text)
}

func (p *parser) enter() func() {
	if p.depth++; p.depth > MaxDepth {
		p.fail(p.pos(), false, "nested too deeply")
	}
	return func() { p.depth-- }
}

func (p *parser) eof() bool { return p.off >= len(p.src) }

func (p *parser) peek(n int) byte {
	if p.off+n < len(p.src) {
		return p.src[p.off+n]
	}
	return 0
}

// next consumes one byte.
func (p *parser) next() byte {
	c := p.src[p.off]
	p.off++
	if c == '\n' {
		p.line++
		p.lineStart = p.off
	}
	return c
}

func isMeta(c byte) bool { return strings.IndexByte(" \t\n;&|<>()", c) >= 0 }

func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i], i == 0) {
			return false
		}
	}
	return s != ""
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || !first && '0' <= c && c <= '9'
}

// blanks skips blanks, comments and escaped newlines.
func (p *parser) blanks() {
	for !p.eof() {
		switch c := p.peek(0); {
		case c == ' ', c == '\t', c == '\r' && p.peek(1) == '\n':
			p.off++
		case c == '\\' && p.peek(1) == '\n':
			p.next()
			p.next()
		case c == '#':
			for !p.eof() && p.peek(0) != '\n' {
				p.off++
			}
		default:
			return
		}
	}
}

// newlines skips blank lines.
func (p *parser) newlines() {
	for {
		p.blanks()
		if p.eof() || p.peek(0) != '\n' {
			return
		}
		p.newline()
	}
}

// newline consumes one, and the here-documents that begin behind it.
func (p *parser) newline() {
	p.next()
	p.hereDocs()
}

func operators() []string {
	return []string{"<<-", "&&", "||", ";;", "<<", ">>", "<&", ">&", "<>", ">|", "\n", ";", "&", "|", "<", ">", "(", ")"}
}

// operator returns the operator at the current place, "" if there is none.
func (p *parser) operator() string {
	for _, op := range operators() {
		if strings.HasPrefix(p.src[p.off:], op) {
			return op
		}
	}
	return ""
}

// at tells whether the reserved word or operator w is next.
func (p *parser) at(w string) bool {
	p.blanks()
	if !strings.HasPrefix(p.src[p.off:], w) {
		return false
	}
	if isMeta(w[0]) {
		return p.operator() == w
	}
	end := p.off + len(w)
	return end == len(p.src) || isMeta(p.src[end])
}

func (p *parser) take(w string) bool {
	if !p.at(w) {
		return false
	}
	p.off += len(w)
	return true
}

func (p *parser) expect(w string, opened Pos, by string) {
	p.newlines()
	if p.take(w) {
		return
	}
	if p.eof() {
		p.fail(opened, true, "%q is not closed by %q", by, w)
	}
	p.unexpected()
}

// ends are the words and operators that end a list.
func (p *parser) atEnd() bool {
	p.blanks()
	if p.eof() {
		return true
	}
	for _, w := range []string{")", ";;", "}", "then", "elif", "else", "fi", "do", "done", "esac"} {
		if p.at(w) {
			return true
		}
	}
	return false
}

// list parses commands up to a word or operator that ends a list.
func (p *parser) list() List {
	defer p.enter()()
	var list List
	for {
		p.newlines()
		if p.atEnd() {
			return list
		}
		s := p.stmt()
		list = append(list, s)
		p.blanks()
		switch {
		case p.at("&"):
			p.off++
			s.Background = true
		case p.at(";"):
			p.off++
		case p.at("\n"):
		case p.atEnd():
			return list
		default:
			p.unexpected()
		}
	}
}

// commands is a list that must not be empty.
func (p *parser) commands() List {
	list := p.list()
	if len(list) == 0 {
		p.unexpected()
	}
	return list
}

func (p *parser) stmt() *Stmt {
	s := &Stmt{Pos: p.pos(), First: p.pipeline()}
	for {
		and := p.at("&&")
		if !and && !p.at("||") {
			return s
		}
		p.off += 2
		p.newlines()
		s.Rest = append(s.Rest, AndOr{and, p.pipeline()})
	}
}

func (p *parser) pipeline() *Pipeline {
	pl := &Pipeline{}
	for p.take("!") {
		pl.Negated = !pl.Negated
	}
	for {
		pl.Cmds = append(pl.Cmds, p.command())
		if !p.at("|") {
			return pl
		}
		p.off++
		p.newlines()
	}
}

func (p *parser) command() Command {
	p.blanks()
	defer p.enter()()
	pos := p.pos()
	switch {
	case p.take("("):
		c := &Subshell{Pos: pos, Body: p.commands()}
		p.expect(")", pos, "(")
		c.Redirs = p.redirs()
		return c
	case p.take("{"):
		c := &Group{Pos: pos, Body: p.commands()}
		p.expect("}", pos, "{")
		c.Redirs = p.redirs()
		return c
	case p.take("if"):
		c := p.ifClause(pos)
		c.Redirs = p.redirs()
		return c
	case p.at("while"), p.at("until"):
		c := &Loop{Pos: pos, Until: p.peek(0) == 'u'}
		p.off += len("while")
		c.Cond = p.commands()
		c.Body = p.doGroup(pos, "while")
		c.Redirs = p.redirs()
		return c
	case p.take("for"):
		return p.forClause(pos)
	case p.take("case"):
		return p.caseClause(pos)
	}
	return p.simple(pos)
}

func (p *parser) ifClause(pos Pos) *If {
	c := &If{Pos: pos, Cond: p.commands()}
	p.expect("then", pos, "if")
	c.Then = p.commands()
	p.newlines()
	elsePos := p.pos()
	switch {
	case p.take("elif"):
		defer p.enter()()
		nested := p.ifClause(elsePos)
		c.Else = List{{Pos: elsePos, First: &Pipeline{Cmds: []Command{nested}}}}
		return c // fi was taken by the nested one
	case p.take("else"):
		c.Else = p.commands()
	}
	p.expect("fi", pos, "if")
	return c
}

func (p *parser) doGroup(pos Pos, by string) List {
	p.expect("do", pos, by)
	body := p.commands()
	p.expect("done", pos, by)
	return body
}

func (p *parser) forClause(pos Pos) Command {
	p.blanks()
	start := p.pos()
	name, ok := p.word().Lit()
	if !ok || !isName(name) {
		p.fail(start, false, "bad variable name in for")
	}
	c := &For{Pos: pos, Name: name, Params: true}
	p.newlines()
	if p.take("in") {
		c.Params = false
		for p.blanks(); !p.eof() && p.operator() == ""; p.blanks() {
			c.Words = append(c.Words, p.word())
		}
	}
	if !p.take(";") && !p.eof() && !p.at("\n") && !p.at("do") {
		p.unexpected()
	}
	c.Body = p.doGroup(pos, "for")
	c.Redirs = p.redirs()
	return c
}

func (p *parser) caseClause(pos Pos) Command {
	p.blanks()
	c := &Case{Pos: pos, Word: p.word()}
	p.expect("in", pos, "case")
	for {
		p.newlines()
		if p.take("esac") {
			c.Redirs = p.redirs()
			return c
		}
		if p.eof() {
			p.fail(pos, true, "%q is not closed by %q", "case", "esac")
		}
		p.take("(")
		var item CaseItem
		for {
			p.blanks()
			item.Patterns = append(item.Patterns, p.word())
			if !p.take("|") {
				break
			}
		}
		if !p.take(")") {
			p.unexpected()
		}
		item.Body = p.list()
		c.Items = append(c.Items, item)
		p.newlines()
		if !p.take(";;") && !p.at("esac") {
			p.unexpected()
		}
	}
}

func (p *parser) redirs() []*Redir {
	var list []*Redir
	for {
		p.blanks()
		r := p.redir()
		if r == nil {
			return list
		}
		list = append(list, r)
	}
}

// redir parses a redirection if there is one.
func (p *parser) redir() *Redir {
	r := &Redir{Pos: p.pos(), Fd: -1}
	start := p.off
	digits := 0
	for c := p.peek(digits); '0' <= c && c <= '9'; c = p.peek(digits) {
		digits++
	}
	if digits > 4 { // no descriptor
		return nil
	}
	p.off += digits
	op := p.operator()
	if op == "" || op[0] != '<' && op[0] != '>' {
		p.off = start
		return nil
	}
	if digits > 0 {
		r.Fd = 0
		for _, c := range p.src[start:p.off] {
			r.Fd = r.Fd*10 + int(c-'0')
		}
	}
	p.off += len(op)
	r.Op = op
	p.blanks()
	if p.eof() || p.operator() != "" {
		p.unexpected()
	}
	r.Target = p.word()
	if strings.HasPrefix(op, "<<") {
		end, quoted := hereDocEnd(r.Target)
		p.pending = append(p.pending, &hereDoc{r, end, quoted})
	}
	return r
}

// hereDocEnd returns the delimiter and whether any of it was quoted.
func hereDocEnd(w *Word) (end string, quoted bool) {
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *Lit:
			end += part.Text
		case *Quoted:
			end += part.Text
			quoted = true
		case *DoubleQuoted:
			inner, _ := hereDocEnd(&Word{Parts: part.Parts})
			end += inner
			quoted = true
		}
	}
	return end, quoted
}

// hereDocs reads the bodies of here-documents.
func (p *parser) hereDocs() {
	docs := p.pending
	p.pending = nil
	for _, d := range docs {
		pos := p.pos()
		var body strings.Builder
		closed := false
		for !p.eof() && !closed {
			end := strings.IndexByte(p.src[p.off:], '\n')
			line := p.src[p.off:]
			if end >= 0 {
				line = p.src[p.off : p.off+end]
			}
			p.off += len(line)
			if end >= 0 {
				p.next()
			}
			if d.redir.Op == "<<-" {
				line = strings.TrimLeft(line, "\t")
			}
			if closed = line == d.end; !closed {
				body.WriteString(line)
				body.WriteByte('\n')
			}
		}
		if !closed {
			p.fail(d.redir.Pos, true, "here-document is not closed by %q", d.end)
		}
		if d.quoted {
			d.redir.Target = &Word{Pos: pos, Parts: []Part{&Quoted{body.String()}}}
			continue
		}
		inner := &parser{src: body.String(), name: p.name, line: pos.Line, depth: p.depth}
		d.redir.Target = &Word{Pos: pos, Parts: []Part{&DoubleQuoted{inner.quotedParts(0)}}}
	}
}

func (p *parser) simple(pos Pos) Command {
	c := &Simple{Pos: pos}
	for {
		p.blanks()
		if p.eof() {
			break
		}
		if r := p.redir(); r != nil {
			c.Redirs = append(c.Redirs, r)
			continue
		}
		if p.operator() != "" {
			break
		}
		w := p.word()
		if a, ok := assignment(w); ok && len(c.Words) == 0 {
			c.Assigns = append(c.Assigns, a)
			continue
		}
		c.Words = append(c.Words, w)
		if name, ok := w.Lit(); ok && len(c.Words) == 1 && len(c.Assigns) == 0 && len(c.Redirs) == 0 && p.at("(") {
			return p.function(pos, name)
		}
	}
	if len(c.Assigns)+len(c.Words)+len(c.Redirs) == 0 {
		p.unexpected()
	}
	return c
}

func (p *parser) function(pos Pos, name string) Command {
	p.off++
	if !p.take(")") {
		p.unexpected()
	}
	if !isName(name) {
		p.fail(pos, false, "bad function name %q", name)
	}
	p.newlines()
	f := &Func{Pos: pos, Name: name, Body: p.command()}
	if _, ok := f.Body.(*Simple); ok {
		p.fail(f.Body.CommandPos(), false, "the body of function %s must be a compound command", name)
	}
	return f
}

// assignment splits name=value.
func assignment(w *Word) (Assign, bool) {
	if len(w.Parts) == 0 {
		return Assign{}, false
	}
	first, ok := w.Parts[0].(*Lit)
	if !ok {
		return Assign{}, false
	}
	name, rest, found := strings.Cut(first.Text, "=")
	if !found || !isName(name) {
		return Assign{}, false
	}
	v := &Word{Pos: w.Pos}
	if rest != "" {
		v.Parts = append(v.Parts, &Lit{rest})
	}
	v.Parts = append(v.Parts, w.Parts[1:]...)
	return Assign{name, v}, true
}

// word parses a word, which must be there.
func (p *parser) word() *Word {
	if p.eof() || isMeta(p.peek(0)) {
		p.unexpected()
	}
	w := &Word{Pos: p.pos()}
	w.Parts = p.parts(func(c byte) bool { return isMeta(c) })
	return w
}

// parts parses unquoted parts up to a byte for which end is true.
func (p *parser) parts(end func(byte) bool) []Part {
	var parts []Part
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, &Lit{lit.String()})
			lit.Reset()
		}
	}
	for !p.eof() && !end(p.peek(0)) {
		switch c := p.peek(0); c {
		case '\\':
			p.next()
			switch {
			case p.eof():
				lit.WriteByte('\\')
			case p.peek(0) == '\n':
				p.next()
			default:
				flush()
				parts = append(parts, &Quoted{string(p.next())})
			}
		case '\'':
			flush()
			parts = append(parts, p.singleQuoted())
		case '"':
			flush()
			pos := p.pos()
			p.next()
			leave := p.enter()
			q := &DoubleQuoted{p.quotedParts('"')}
			leave()
			if p.eof() {
				p.fail(pos, true, "'\"' is not closed")
			}
			p.next()
			parts = append(parts, q)
		case '$', '`':
			if part := p.dollar(false); part != nil {
				flush()
				parts = append(parts, part)
			} else {
				lit.WriteByte(p.next())
			}
		default:
			lit.WriteByte(p.next())
		}
	}
	flush()
	return parts
}

func (p *parser) singleQuoted() Part {
	pos := p.pos()
	p.next()
	end := strings.IndexByte(p.src[p.off:], '\'')
	if end < 0 {
		p.fail(pos, true, "\"'\" is not closed")
	}
	q := &Quoted{p.src[p.off : p.off+end]}
	for range end + 1 {
		p.next()
	}
	return q
}

// quotedParts parses the inside of double quotes up to end, or of a
// here-document if end is 0.
func (p *parser) quotedParts(end byte) []Part {
	var parts []Part
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, &Quoted{lit.String()})
			lit.Reset()
		}
	}
	for !p.eof() && (end == 0 || p.peek(0) != end) {
		switch c := p.peek(0); c {
		case '\\':
			p.next()
			switch e := p.peek(0); {
			case p.eof():
				lit.WriteByte('\\')
			case e == '\n':
				p.next()
			case e == '$' || e == '`' || e == '\\' || e == '"' && end != 0 || e == '}' && end == '}':
				lit.WriteByte(p.next())
			default:
				lit.WriteByte('\\')
			}
		case '$', '`':
			if part := p.dollar(true); part != nil {
				flush()
				parts = append(parts, part)
			} else {
				lit.WriteByte(p.next())
			}
		case '"':
			if end != '}' {
				lit.WriteByte(p.next())
				break
			}
			// "${x-"y"}": inner quotes of a default.
			pos := p.pos()
			p.next()
			flush()
			q := p.quotedParts('"')
			if p.eof() {
				p.fail(pos, true, "'\"' is not closed")
			}
			p.next()
			parts = append(parts, q...)
		default:
			lit.WriteByte(p.next())
		}
	}
	flush()
	if len(parts) == 0 {
		parts = []Part{&Quoted{}}
	}
	return parts
}

// dollar parses what begins with $ or `, or returns nil if it is only that byte.
func (p *parser) dollar(quoted bool) Part {
	defer p.enter()()
	pos := p.pos()
	if p.peek(0) == '`' {
		return p.backquoted(quoted)
	}
	switch c := p.peek(1); {
	case c == '(' && p.peek(2) == '(':
		if part := p.arith(pos); part != nil {
			return part
		}
		return p.cmdSubst(pos)
	case c == '(':
		return p.cmdSubst(pos)
	case c == '{':
		p.off += 2
		return p.braced(pos, quoted)
	case isNameByte(c, true):
		p.off++
		start := p.off
		for isNameByte(p.peek(0), false) {
			p.off++
		}
		return &Param{Pos: pos, Name: p.src[start:p.off]}
	case '0' <= c && c <= '9', c != 0 && strings.IndexByte("@*#?-$!", c) >= 0:
		p.off += 2
		return &Param{Pos: pos, Name: string(c)}
	}
	return nil
}

func (p *parser) cmdSubst(pos Pos) Part {
	p.off += 2
	body := p.list()
	p.newlines()
	if p.eof() {
		p.fail(pos, true, "'$(' is not closed")
	}
	if !p.take(")") {
		p.unexpected()
	}
	return &CmdSubst{body}
}

// backquoted parses `...`, in which a backslash quotes $ ` \ and, inside of double
// quotes, ".
func (p *parser) backquoted(quoted bool) Part {
	pos := p.pos()
	p.next()
	var src strings.Builder
	for {
		if p.eof() {
			p.fail(pos, true, "'`' is not closed")
		}
		c := p.next()
		if c == '`' {
			break
		}
		if e := p.peek(0); c == '\\' && (e == '$' || e == '`' || e == '\\' || e == '"' && quoted) {
			c = p.next()
		}
		src.WriteByte(c)
	}
	inner := &parser{src: src.String(), name: p.name, line: pos.Line, depth: p.depth}
	body := inner.list()
	if !inner.eof() {
		inner.unexpected()
	}
	inner.hereDocs()
	return &CmdSubst{body}
}

// arith parses $((...)), or returns nil if it is a subshell in a substitution.
func (p *parser) arith(pos Pos) Part {
	depth := 0
	end := -1
	for i := p.off + 3; i < len(p.src) && end < 0; i++ {
		switch p.src[i] {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				if i+1 >= len(p.src) || p.src[i+1] != ')' {
					return nil
				}
				end = i
			}
			depth--
		}
	}
	if end < 0 {
		p.fail(pos, true, "'$((' is not closed")
	}
	inner := &parser{src: p.src[p.off+3 : end], name: p.name, line: p.line, depth: p.depth}
	w := &Word{Pos: pos, Parts: []Part{&DoubleQuoted{inner.quotedParts(0)}}}
	for p.off < end+2 {
		p.next()
	}
	return &Arith{pos, w}
}

// braced parses the inside of ${...}.
func (p *parser) braced(pos Pos, quoted bool) Part {
	x := &Param{Pos: pos}
	if p.peek(0) == '#' && p.peek(1) != '}' {
		x.Length = true
		p.off++
	}
	start := p.off
	switch c := p.peek(0); {
	case isNameByte(c, true):
		for isNameByte(p.peek(0), false) {
			p.off++
		}
	case '0' <= c && c <= '9':
		for c := p.peek(0); '0' <= c && c <= '9'; c = p.peek(0) {
			p.off++
		}
	case c != 0 && strings.IndexByte("@*#?-$!", c) >= 0:
		p.off++
	}
	x.Name = p.src[start:p.off]
	if p.eof() {
		p.fail(pos, true, "'${' is not closed")
	}
	if x.Name == "" {
		p.fail(pos, false, "bad substitution")
	}
	if p.peek(0) == '}' {
		p.next()
		return x
	}
	for _, op := range []string{":-", ":=", ":?", ":+", "-", "=", "?", "+", "%%", "%", "##", "#"} {
		if strings.HasPrefix(p.src[p.off:], op) {
			x.Op = op
			break
		}
	}
	if x.Op == "" || x.Length {
		p.fail(pos, false, "bad substitution")
	}
	p.off += len(x.Op)
	x.Arg = &Word{Pos: p.pos()}
	if quoted && !slices.Contains([]string{"%", "%%", "#", "##"}, x.Op) {
		x.Arg.Parts = []Part{&DoubleQuoted{p.quotedParts('}')}}
	} else {
		x.Arg.Parts = p.parts(func(c byte) bool { return c == '}' })
	}
	if p.eof() {
		p.fail(pos, true, "'${' is not closed")
	}
	p.next()
	return x
}
