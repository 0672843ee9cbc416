package syntax

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSource bounds the bytes of a source.
const MaxSource = math.MaxInt32

// Scan splits src into tokens; the last one is EOF. Newlines that end a
// statement are Semi tokens. Errors do not stop it: the offending bytes are left
// out.
func Scan(src string) ([]Token, ErrorList) {
	if len(src) > MaxSource {
		return []Token{{Kind: EOF}}, ErrorList{{Pos: Pos{Line: 1, Col: 1}, Msg: fmt.Sprintf("source is longer than %d bytes", MaxSource)}}
	}
	s := &scanner{src: src, line: 1}
	if strings.HasPrefix(src, "#!") {
		s.off = len(src)
		if i := strings.IndexByte(src, '\n'); i >= 0 {
			s.off = i // its newline is a blank line
		}
	}
	s.off += len(bom(src[s.off:]))
	toks := make([]Token, 0, min(len(src), 1<<20)*2/5+4)
	for {
		t := s.next()
		toks = append(toks, t)
		if t.Kind == EOF {
			return toks, s.errs
		}
	}
}

func bom(src string) string {
	if strings.HasPrefix(src, "\ufeff") {
		return "\ufeff"
	}
	return ""
}

type scanner struct {
	src       string
	off       int
	line      int
	lineStart int // offset of the current line
	// brackets holds the open ones: inside of ( and [ newlines mean nothing.
	brackets []Kind
	last     Kind // of the last token, which decides what a newline means
	depth    int  // of interpolations
	errs     ErrorList
}

func (s *scanner) pos() Pos {
	return Pos{int32(s.off), int32(s.line), int32(s.off - s.lineStart + 1)}
}

func (s *scanner) errorf(pos Pos, format string, args ...any) {
	if len(s.errs) < MaxErrors {
		s.errs = append(s.errs, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
	}
}

func (s *scanner) peek(n int) byte {
	if s.off+n < len(s.src) {
		return s.src[s.off+n]
	}
	return 0
}

// endsStatement tells whether a newline after a token of kind k ends a statement.
// The same kinds end an operand, but for the keywords of statements and Quest.
func endsStatement(k Kind) bool {
	switch k {
	case Ident, Int, Float, String, True, False, Nil, Break, Continue, Return, RParen, RBrack, RBrace, Inc, Dec, Quest, Unwrap:
		return true
	}
	return false
}

// endsOperand tells whether ! behind a token of kind k is the postfix operator.
func endsOperand(k Kind) bool {
	switch k {
	case Break, Continue, Return, Inc, Dec, Quest:
		return false
	}
	return endsStatement(k)
}

// next returns the next token.
func (s *scanner) next() Token {
	for {
		if s.off < len(s.src) && s.src[s.off] <= '/' { // or no blank and no comment
			if t, ok := s.space(); ok {
				s.last = Semi
				return t
			}
		}
		if s.off >= len(s.src) {
			if endsStatement(s.last) {
				s.last = Semi
				return Token{Kind: Semi, Pos: s.pos()}
			}
			return Token{Kind: EOF, Pos: s.pos()}
		}
		if t, ok := s.token(); ok {
			s.last = t.Kind
			return t
		}
	}
}

// space skips blanks and comments. If it passes a newline that ends a statement,
// it returns the Semi.
func (s *scanner) space() (Token, bool) {
	for s.off < len(s.src) {
		switch c := s.src[s.off]; {
		case c == '\n':
			t := Token{Kind: Semi, Pos: s.pos()}
			s.off++
			s.line++
			s.lineStart = s.off
			quiet := len(s.brackets) > 0 && s.brackets[len(s.brackets)-1] != LBrace
			if !quiet && endsStatement(s.last) && !s.continues() {
				return t, true
			}
		case c == ' ', c == '\t', c == '\r':
			s.off++
		case c == '/' && s.peek(1) == '/':
			for s.off < len(s.src) && s.src[s.off] != '\n' {
				s.off++
			}
		case c == '/' && s.peek(1) == '*':
			s.blockComment()
		default:
			return Token{}, false
		}
	}
	return Token{}, false
}

// continues tells whether the line at off begins with ".name".
func (s *scanner) continues() bool {
	rest := strings.TrimLeft(s.src[s.off:], " \t\r")
	rest = strings.TrimPrefix(rest, "?")
	return len(rest) > 1 && rest[0] == '.' && (rest[1] == '_' || rest[1] >= 'a' && rest[1] <= 'z' || rest[1] >= 'A' && rest[1] <= 'Z')
}

func (s *scanner) blockComment() {
	pos := s.pos()
	end := strings.Index(s.src[s.off+2:], "*/")
	if end < 0 {
		s.errorf(pos, "comment is not closed")
		s.off = len(s.src)
		return
	}
	stop := s.off + 2 + end + 2
	for ; s.off < stop; s.off++ {
		if s.src[s.off] == '\n' {
			s.line++
			s.lineStart = s.off + 1
		}
	}
}

// token scans a word; not ok means that it was an error and was passed over.
func (s *scanner) token() (Token, bool) {
	pos := s.pos()
	switch c := s.src[s.off]; {
	case isDigit(c), c == '.' && isDigit(s.peek(1)):
		return s.number(pos)
	case c == '"':
		return s.quoted(pos)
	case c == '`':
		return s.raw(pos)
	case c == '\'':
		return s.rune(pos)
	}
	r, size := utf8.DecodeRuneInString(s.src[s.off:])
	if r < utf8.RuneSelf && wordByte[r] || r == '_' || unicode.IsLetter(r) {
		return s.word(pos), true
	}
	if k, n := operator(s.src[s.off:]); n > 0 {
		s.off += n
		if k == Not && endsOperand(s.last) {
			k = Unwrap
		}
		s.bracket(k)
		return Token{Kind: k, Pos: pos, Text: s.src[pos.Offset:s.off]}, true
	}
	s.off += size
	switch {
	case s.src[pos.Offset] == ';':
		return Token{Kind: Semi, Pos: pos, Text: ";"}, true
	case r == utf8.RuneError && size == 1:
		s.errorf(pos, "source is not valid UTF-8")
	default:
		s.errorf(pos, "unknown character %q", r)
	}
	return Token{}, false
}

// operator returns the longest operator that src begins with, and its length.
func operator(src string) (Kind, int) {
	most := 1
	for most < min(3, len(src)) && strings.IndexByte("*&|<>=+-.?", src[most]) >= 0 {
		most++
	}
	if k := single[src[0]]; most == 1 && k != EOF {
		return k, 1
	}
	for n := most; n > 0; n-- {
		if k, ok := operatorKind[src[:n]]; ok {
			return k, n
		}
	}
	return EOF, 0
}

// single are the operators of one byte.
var single = [256]Kind{
	'+': Add, '-': Sub, '*': Mul, '/': Div, '%': Rem, '&': And, '|': Or, '^': Xor, '!': Not, '<': Lt, '>': Gt,
	'=': Assign, '(': LParen, ')': RParen, '[': LBrack, ']': RBrack, '{': LBrace, '}': RBrace, ',': Comma, ':': Colon, '.': Dot, '?': Quest,
}

// operatorKind is operatorText the other way round; ! is Not until the scanner
// has seen what stands before it.
var operatorKind = map[string]Kind{
	"+": Add, "-": Sub, "*": Mul, "/": Div, "%": Rem, "**": Pow, "&": And, "|": Or,
	"^": Xor, "<<": Shl, ">>": Shr, "&&": AndAnd, "||": OrOr, "!": Not, "==": Eq, "!=": Ne,
	"<": Lt, "<=": Le, ">": Gt, ">=": Ge, "=": Assign, "+=": AddAssign, "-=": SubAssign, "*=": MulAssign,
	"/=": DivAssign, "%=": RemAssign, "**=": PowAssign, "&=": AndAssign, "|=": OrAssign, "^=": XorAssign, "<<=": ShlAssign, ">>=": ShrAssign,
	"++": Inc, "--": Dec, "(": LParen, ")": RParen, "[": LBrack, "]": RBrack, "{": LBrace, "}": RBrace,
	",": Comma, ":": Colon, ".": Dot, "..": Range, "..=": RangeInc, "=>": Arrow, "?": Quest, "?.": QuestDot,
	"??": Coalesce,
}

// bracket keeps track of the open brackets.
func (s *scanner) bracket(k Kind) {
	switch k {
	case LParen, LBrack, LBrace:
		s.brackets = append(s.brackets, k)
	case RParen, RBrack, RBrace:
		// A wrong one closes nothing; the parser will complain of it.
		if n := len(s.brackets); n > 0 && s.brackets[n-1] == k-1 {
			s.brackets = s.brackets[:n-1]
		}
	}
}

func (s *scanner) word(pos Pos) Token {
	for s.off < len(s.src) {
		if wordByte[s.src[s.off]] {
			s.off++
			continue
		}
		r, size := utf8.DecodeRuneInString(s.src[s.off:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		s.off += size
	}
	text := s.src[pos.Offset:s.off]
	kind := Ident
	if len(text) <= longestKeyword && s.last != Dot && s.last != QuestDot {
		if k, ok := keywordKind[text]; ok {
			kind = k
		}
	}
	return Token{Kind: kind, Pos: pos, Text: text}
}

// longestKeyword is the length of continue.
const longestKeyword = 8

// wordByte tells which bytes go on with a word, of those that are characters.
var wordByte = [256]bool{
	'_': true, '0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true, 'k': true, 'l': true, 'm': true,
	'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true, 'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true, 'K': true, 'L': true, 'M': true,
	'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true, 'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true,
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// number scans an int or float literal.
func (s *scanner) number(pos Pos) (Token, bool) {
	t := Token{Kind: Int, Pos: pos}
	if base := basePrefix(s.src[s.off:]); base != 0 {
		s.off += 2
		s.digits(isHex)
		t.Text = s.src[pos.Offset:s.off]
		n, err := strconv.ParseUint(strings.ReplaceAll(t.Text[2:], "_", ""), base, 64)
		if err != nil || !underscoresFit(t.Text[2:]) {
			s.errorf(pos, "bad number %s", t.Text)
			return t, false
		}
		t.Int = int64(n)
		return t, true
	}
	s.digits(isDigit)
	if s.peek(0) == '.' && isDigit(s.peek(1)) {
		t.Kind = Float
		s.off++
		s.digits(isDigit)
	}
	if c := s.peek(0); c == 'e' || c == 'E' {
		n := 1
		if c := s.peek(1); c == '+' || c == '-' {
			n = 2
		}
		if isDigit(s.peek(n)) {
			t.Kind = Float
			s.off += n
			s.digits(isDigit)
		}
	}
	t.Text = s.src[pos.Offset:s.off]
	digits := strings.ReplaceAll(t.Text, "_", "")
	if !underscoresFit(t.Text) || s.off < len(s.src) && (s.src[s.off] == '_' || unicode.IsLetter(rune(s.src[s.off]))) {
		s.errorf(pos, "bad number %s", t.Text)
		return t, false
	}
	if t.Kind == Float {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil && !math.IsInf(f, 0) {
			s.errorf(pos, "bad number %s", t.Text)
			return t, false
		}
		t.Int = int64(math.Float64bits(f))
		return t, true
	}
	if len(digits) > 1 && digits[0] == '0' {
		s.errorf(pos, "number %s begins with 0; octal is written 0o%s", t.Text, strings.TrimLeft(digits, "0"))
		return t, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > 1<<63 {
		s.errorf(pos, "number %s is too large for an int", t.Text)
		return t, false
	}
	t.Int, t.big = int64(n), n == 1<<63
	return t, true
}

func (s *scanner) digits(ok func(byte) bool) {
	for s.off < len(s.src) && (ok(s.src[s.off]) || s.src[s.off] == '_') {
		s.off++
	}
}

// underscoresFit tells whether each _ stands between digits.
func underscoresFit(text string) bool {
	return !strings.HasPrefix(text, "_") && !strings.HasSuffix(text, "_") && !strings.Contains(text, "__") &&
		!strings.Contains(text, "_.") && !strings.Contains(text, "._") && !strings.Contains(text, "_e")
}

func basePrefix(src string) int {
	if len(src) < 2 || src[0] != '0' {
		return 0
	}
	switch src[1] {
	case 'x', 'X':
		return 16
	case 'b', 'B':
		return 2
	case 'o', 'O':
		return 8
	}
	return 0
}

func (s *scanner) raw(pos Pos) (Token, bool) {
	end := strings.IndexByte(s.src[s.off+1:], '`')
	if end < 0 {
		s.errorf(pos, "string is not closed")
		s.off = len(s.src)
		return Token{}, false
	}
	text := s.src[s.off+1 : s.off+1+end]
	for i := range len(text) {
		if text[i] == '\n' {
			s.line++
			s.lineStart = s.off + 1 + i + 1
		}
	}
	s.off += end + 2
	return Token{Kind: String, Pos: pos, Text: s.src[pos.Offset:s.off], parts: &[]Part{{Text: text}}}, true
}

// skipLine leaves the rest of a broken string alone.
func (s *scanner) skipLine() {
	for s.off < len(s.src) && s.src[s.off] != '\n' {
		s.off++
	}
}

func (s *scanner) quoted(pos Pos) (Token, bool) {
	t := Token{Kind: String, Pos: pos}
	var parts []Part
	var text strings.Builder
	s.off++
	ok := true
	for {
		switch c := s.peek(0); {
		case s.off >= len(s.src), c == '\n':
			s.errorf(pos, "string is not closed")
			return t, false
		case c == '"':
			s.off++
			parts = append(parts, Part{Text: text.String()})
			t.Text, t.parts = s.src[pos.Offset:s.off], &parts
			return t, ok
		case c == '\\':
			r, isByte, good := s.escape('"')
			ok = ok && good
			if isByte {
				text.WriteByte(byte(r))
			} else {
				text.WriteRune(r)
			}
		case c == '$' && s.peek(1) == '{':
			parts = append(parts, Part{Text: text.String()})
			text.Reset()
			toks, good := s.interpolation()
			if !good {
				s.skipLine()
				return t, false
			}
			parts = append(parts, Part{Tokens: toks})
		default:
			text.WriteByte(c)
			s.off++
		}
	}
}

// interpolation scans "${expr}" and returns the tokens of expr.
func (s *scanner) interpolation() ([]Token, bool) {
	start := s.pos()
	s.off += 2
	if s.depth++; s.depth > MaxDepth {
		s.errorf(start, "nested too deeply")
		return nil, false
	}
	outer, outerLast, line := s.brackets, s.last, s.line
	s.brackets, s.last = []Kind{LParen}, EOF // newlines inside mean nothing
	defer func() { s.brackets, s.last, s.depth = outer, outerLast, s.depth-1 }()
	var toks []Token
	depth := 0
	for {
		t := s.next()
		if t.Kind == EOF || s.line != line && t.Kind != String {
			s.errorf(start, "'${' is not closed on its line")
			return nil, false
		}
		switch t.Kind {
		case LBrace:
			depth++
		case RBrace:
			if depth == 0 {
				return append(toks, Token{Kind: EOF, Pos: t.Pos}), true
			}
			depth--
		}
		toks = append(toks, t)
	}
}

// escape scans a backslash sequence. isByte is set for \xHH.
func (s *scanner) escape(quote byte) (r rune, isByte, ok bool) {
	pos := s.pos()
	c := s.peek(1)
	s.off += 2
	switch c {
	case 'n':
		return '\n', false, true
	case 't':
		return '\t', false, true
	case 'r':
		return '\r', false, true
	case '0':
		return 0, false, true
	case '\\', '$', quote:
		return rune(c), false, true
	case 'x':
		if isHex(s.peek(0)) && isHex(s.peek(1)) {
			n, _ := strconv.ParseUint(s.src[s.off:s.off+2], 16, 8) // two hex digits always parse
			s.off += 2
			return rune(n), true, true
		}
		s.errorf(pos, `\x needs two hex digits`)
	case 'u':
		end := strings.IndexByte(s.src[min(s.off, len(s.src)):min(s.off+10, len(s.src))], '}')
		if s.peek(0) == '{' && end > 1 {
			n, err := strconv.ParseUint(s.src[s.off+1:s.off+end], 16, 32)
			if err == nil && n <= unicode.MaxRune && utf8.ValidRune(rune(n)) {
				s.off += end + 1
				return rune(n), false, true
			}
		}
		s.errorf(pos, `\u needs a code point, as \u{1F600}`)
	default:
		s.errorf(pos, "unknown escape %q", s.src[pos.Offset:min(s.off, len(s.src))])
	}
	s.off = min(s.off, len(s.src))
	return 0, false, false
}

// rune scans 'a', an int.
func (s *scanner) rune(pos Pos) (Token, bool) {
	s.off++
	t := Token{Kind: Int, Pos: pos}
	ok := true
	if s.peek(0) == '\\' {
		var r rune
		r, _, ok = s.escape('\'')
		t.Int = int64(r)
	} else {
		r, size := utf8.DecodeRuneInString(s.src[s.off:])
		if size == 0 || r == '\n' || r == '\'' {
			s.errorf(pos, "empty or unclosed rune")
			return t, false
		}
		if r == utf8.RuneError && size == 1 {
			s.errorf(pos, "source is not valid UTF-8")
			ok = false
		}
		t.Int = int64(r)
		s.off += size
	}
	if s.peek(0) != '\'' {
		s.errorf(pos, "a rune is one character; strings are written \"...\"")
		s.skipLine()
		return t, false
	}
	s.off++
	t.Text = s.src[pos.Offset:s.off]
	return t, ok
}
