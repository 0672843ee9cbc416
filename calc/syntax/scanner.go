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

// scan splits a source into tokens; the last one is EOF.
func scan(src string) *scanner {
	s := &scanner{src: src, line: 1, lines: make([]int32, 1, 8)}
	if len(src) > MaxSource {
		s.src = ""
		s.errorf(Pos{Line: 1, Col: 1}, "source is longer than %d bytes", MaxSource)
		s.toks = []tok{{line: 1}}
		return s
	}
	if strings.HasPrefix(src, "#!") {
		s.off = len(src)
		if i := strings.IndexByte(src, '\n'); i >= 0 {
			s.off = i // its newline is a blank line
		}
	}
	s.off += len(bom(src[s.off:]))
	s.toks = make([]tok, 0, min(len(src), 1<<20)*2/5+4)
	for s.next() != EOF {
	}
	return s
}

func bom(src string) string {
	if strings.HasPrefix(src, "\ufeff") {
		return "\ufeff"
	}
	return ""
}

// tok is a token as scanner and parser see it: small and without pointers, since a
// source has many.
type tok struct {
	kind           Kind
	big            bool  // the Int 9223372036854775808, allowed only behind a minus
	off, end, line int32 // of its text, and where that begins
	// Of a number: its index among the values. Of a String: that of its parts. Of an
	// opening bracket: the index of its partner among the tokens; 0 if there is none.
	aux int32
}

// part is a Part of a string.
type part struct {
	text string
	toks []tok // nil: text
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

	toks    []tok
	lines   []int32 // offsets
	values  []int64 // of numbers
	strings [][]part
}

func (s *scanner) pos() Pos {
	return Pos{int32(s.off), int32(s.line), int32(s.off - s.lineStart + 1)}
}

// add adds a token that begins at an offset of this line and ends here.
func (s *scanner) add(k Kind, start int) {
	s.toks = append(s.toks, tok{kind: k, off: int32(start), end: int32(s.off), line: int32(s.line)})
	s.last = k
}

// newline notes that a line begins at an offset.
func (s *scanner) newline(at int) {
	s.line++
	s.lineStart = at
	s.lines = append(s.lines, int32(at))
}

// where returns the position of a token.
func (s *scanner) where(t *tok) Pos { return Pos{t.off, t.line, t.off - s.lines[t.line-1] + 1} }

// text returns the text of a token.
func (s *scanner) text(t *tok) string { return s.src[t.off:t.end] }

// addValue adds a token that is a number.
func (s *scanner) addValue(k Kind, start int, x int64) bool {
	s.add(k, start)
	s.toks[len(s.toks)-1].aux = int32(len(s.values))
	if s.values == nil {
		s.values = make([]int64, 0, len(s.src)/32+4)
	}
	s.values = append(s.values, x)
	return true
}

// addString adds a token that is a string and begins in a line.
func (s *scanner) addString(start, line int, parts []part) bool {
	s.add(String, start)
	t := &s.toks[len(s.toks)-1]
	t.aux, t.line = int32(len(s.strings)), int32(line)
	s.strings = append(s.strings, parts)
	return true
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

// next adds the next token and returns its kind.
func (s *scanner) next() Kind {
	for {
		if s.off < len(s.src) && s.src[s.off] <= '/' { // or no blank and no comment
			if s.space() {
				return Semi
			}
		}
		if s.off >= len(s.src) {
			k := EOF
			if endsStatement(s.last) {
				k = Semi
			}
			s.add(k, s.off)
			return k
		}
		if s.token() {
			return s.last
		}
	}
}

// space skips blanks and comments. If it passes a newline that ends a statement,
// it adds the Semi.
func (s *scanner) space() bool {
	for s.off < len(s.src) {
		switch c := s.src[s.off]; {
		case c == '\n':
			quiet := len(s.brackets) > 0 && s.brackets[len(s.brackets)-1] != LBrace
			if !quiet && endsStatement(s.last) && !s.continues(s.off+1) {
				s.add(Semi, s.off)
				s.off++
				s.newline(s.off)
				return true
			}
			s.off++
			s.newline(s.off)
		case c == ' ', c == '\t', c == '\r':
			s.off++
		case c == '/' && s.peek(1) == '/':
			if i := strings.IndexByte(s.src[s.off:], '\n'); i >= 0 {
				s.off += i
			} else {
				s.off = len(s.src)
			}
		case c == '/' && s.peek(1) == '*':
			s.blockComment()
		default:
			return false
		}
	}
	return false
}

// continues tells whether the line at i begins with ".name".
func (s *scanner) continues(i int) bool {
	for i < len(s.src) && (s.src[i] == ' ' || s.src[i] == '\t' || s.src[i] == '\r') {
		i++
	}
	rest := strings.TrimPrefix(s.src[i:], "?")
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
			s.newline(s.off + 1)
		}
	}
}

// token scans and adds a word; not ok means that it was an error and was passed over.
func (s *scanner) token() (ok bool) {
	start := s.off
	c := s.src[start]
	switch byteClass[c] {
	case letter:
		s.word()
		return true
	case digit:
		return s.number()
	case bracket:
		s.off++
		s.add(single[c], start)
		s.bracket(single[c])
		return true
	}
	switch {
	case c == '.' && isDigit(s.peek(1)):
		return s.number()
	case c == '"':
		return s.quoted()
	case c == '`':
		return s.raw()
	case c == '\'':
		return s.rune()
	}
	if k, n := operator(s.src[start:]); n > 0 {
		s.off += n
		if k == Not && endsOperand(s.last) {
			k = Unwrap
		}
		s.add(k, start)
		return true
	}
	r, size := utf8.DecodeRuneInString(s.src[start:])
	if unicode.IsLetter(r) {
		s.word()
		return true
	}
	pos := s.pos()
	s.off += size
	switch {
	case c == ';':
		s.add(Semi, start)
		return true
	case r == utf8.RuneError && size == 1:
		s.errorf(pos, "source is not valid UTF-8")
	default:
		s.errorf(pos, "unknown character %q", r)
	}
	return false
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

func (s *scanner) word() {
	start := s.off
	for s.off < len(s.src) {
		if c := byteClass[s.src[s.off]]; c == letter || c == digit {
			s.off++
			continue
		}
		if s.src[s.off] < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRuneInString(s.src[s.off:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		s.off += size
	}
	kind := Ident
	if n := s.off - start; n >= 2 && n <= longestKeyword && s.src[start] >= 'a' && s.last != Dot && s.last != QuestDot {
		if k, ok := keywordKind[s.src[start:s.off]]; ok {
			kind = k
		}
	}
	s.add(kind, start)
}

// longestKeyword is the length of continue.
const longestKeyword = 8

// The classes of bytes that the scanner tells apart at once.
const (
	letter = iota + 1 // or _
	digit
	bracket // or comma, colon: operators of one byte that begin no longer one
)

var byteClass = [256]uint8{
	'_': letter, '0': digit, '1': digit, '2': digit, '3': digit, '4': digit, '5': digit, '6': digit, '7': digit, '8': digit, '9': digit,
	'a': letter, 'b': letter, 'c': letter, 'd': letter, 'e': letter, 'f': letter, 'g': letter, 'h': letter, 'i': letter,
	'j': letter, 'k': letter, 'l': letter, 'm': letter, 'n': letter, 'o': letter, 'p': letter, 'q': letter, 'r': letter,
	's': letter, 't': letter, 'u': letter, 'v': letter, 'w': letter, 'x': letter, 'y': letter, 'z': letter,
	'A': letter, 'B': letter, 'C': letter, 'D': letter, 'E': letter, 'F': letter, 'G': letter, 'H': letter, 'I': letter,
	'J': letter, 'K': letter, 'L': letter, 'M': letter, 'N': letter, 'O': letter, 'P': letter, 'Q': letter, 'R': letter,
	'S': letter, 'T': letter, 'U': letter, 'V': letter, 'W': letter, 'X': letter, 'Y': letter, 'Z': letter,
	'(': bracket, ')': bracket, '[': bracket, ']': bracket, '{': bracket, '}': bracket, ',': bracket, ':': bracket,
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// number scans an int or float literal.
func (s *scanner) number() bool {
	pos, start, kind := s.pos(), s.off, Int
	if base := basePrefix(s.src[s.off:]); base != 0 {
		s.off += 2
		s.digits(isHex)
		text := s.src[pos.Offset:s.off]
		n, err := strconv.ParseUint(strings.ReplaceAll(text[2:], "_", ""), base, 64)
		if err != nil || !underscoresFit(text[2:]) {
			s.errorf(pos, "bad number %s", text)
			return false
		}
		return s.addValue(Int, start, int64(n))
	}
	if s.shortInt() {
		return true
	}
	s.digits(isDigit)
	if s.peek(0) == '.' && isDigit(s.peek(1)) {
		kind = Float
		s.off++
		s.digits(isDigit)
	}
	if c := s.peek(0); c == 'e' || c == 'E' {
		n := 1
		if c := s.peek(1); c == '+' || c == '-' {
			n = 2
		}
		if isDigit(s.peek(n)) {
			kind = Float
			s.off += n
			s.digits(isDigit)
		}
	}
	text := s.src[pos.Offset:s.off]
	digits := strings.ReplaceAll(text, "_", "")
	if behind, _ := utf8.DecodeRuneInString(s.src[s.off:]); !underscoresFit(text) || behind == '_' || unicode.IsLetter(behind) {
		for behind, n := utf8.DecodeRuneInString(s.src[s.off:]); behind == '_' || unicode.IsLetter(behind) || unicode.IsDigit(behind); behind, n = utf8.DecodeRuneInString(s.src[s.off:]) {
			s.off += n
		}
		s.errorf(pos, "bad number %s", s.src[pos.Offset:s.off])
		return false
	}
	if kind == Float {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil && !math.IsInf(f, 0) {
			s.errorf(pos, "bad number %s", text)
			return false
		}
		return s.addValue(Float, start, int64(math.Float64bits(f)))
	}
	if len(digits) > 1 && digits[0] == '0' {
		s.errorf(pos, "number %s begins with 0; octal is written 0o%s", text, strings.TrimLeft(digits, "0"))
		return false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > 1<<63 {
		s.errorf(pos, "number %s is too large for an int", text)
		return false
	}
	s.addValue(Int, start, int64(n))
	s.toks[len(s.toks)-1].big = n == 1<<63
	return true
}

// shortInt scans an int of a few digits without more ado.
func (s *scanner) shortInt() bool {
	start, n, i := s.off, int64(0), s.off
	for ; i < len(s.src) && isDigit(s.src[i]); i++ {
		n = n*10 + int64(s.src[i]-'0')
	}
	if i == start || i-start > 18 || s.src[start] == '0' && i-start > 1 {
		return false
	}
	if i < len(s.src) && (s.src[i] >= utf8.RuneSelf || s.src[i] == '.' || byteClass[s.src[i]] == letter) {
		return false
	}
	s.off = i
	return s.addValue(Int, start, n)
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

func (s *scanner) raw() bool {
	line := s.line
	start := s.off + 1
	end := strings.IndexByte(s.src[start:], '`')
	if end < 0 {
		s.errorf(s.pos(), "string is not closed")
		s.off = len(s.src)
		return false
	}
	text := s.src[start : start+end]
	for i := range len(text) {
		if text[i] == '\n' {
			s.newline(start + i + 1)
		}
	}
	s.off += end + 2
	return s.addString(start-1, line, []part{{text: text}})
}

// skipLine leaves the rest of a broken string alone.
func (s *scanner) skipLine() {
	for s.off < len(s.src) && s.src[s.off] != '\n' {
		s.off++
	}
}

func (s *scanner) quoted() bool {
	pos, start, line := s.pos(), s.off, s.line
	s.off++
	if i := strings.IndexAny(s.src[s.off:min(len(s.src), s.off+plainString)], "\"\\$\n"); i >= 0 && s.src[s.off+i] == '"' {
		text := s.src[s.off : s.off+i]
		s.off += i + 1
		return s.addString(start, line, []part{{text: text}})
	}
	var parts []part
	var text strings.Builder
	ok := true
	for {
		switch c := s.peek(0); {
		case s.off >= len(s.src), c == '\n':
			s.errorf(pos, "string is not closed")
			return false
		case c == '"':
			s.off++
			if ok {
				s.addString(start, line, append(parts, part{text: text.String()}))
			}
			return ok
		case c == '\\':
			r, isByte, good := s.escape('"')
			ok = ok && good
			if isByte {
				text.WriteByte(byte(r))
			} else {
				text.WriteRune(r)
			}
		case c == '$' && s.peek(1) == '{':
			parts = append(parts, part{text: text.String()})
			text.Reset()
			toks, good := s.interpolation()
			if !good {
				s.skipLine()
				return false
			}
			parts = append(parts, part{toks: toks})
		default:
			text.WriteByte(c)
			s.off++
		}
	}
}

// plainString is how far a string without escapes is looked for.
const plainString = 64

// interpolation scans "${expr}" and returns the tokens of expr.
func (s *scanner) interpolation() ([]tok, bool) {
	start := s.pos()
	s.off += 2
	if s.depth++; s.depth > MaxDepth {
		s.errorf(start, "nested too deeply")
		return nil, false
	}
	outer, brackets, last, line := s.toks, s.brackets, s.last, s.line
	s.toks, s.brackets, s.last = nil, []Kind{LParen}, EOF // newlines inside mean nothing
	defer func() { s.toks, s.brackets, s.last, s.depth = outer, brackets, last, s.depth-1 }()
	depth := 0
	for {
		k := s.next()
		if k == EOF || s.line != line && k != String {
			s.errorf(start, "'${' is not closed on its line")
			return nil, false
		}
		switch k {
		case LBrace:
			depth++
		case RBrace:
			if depth == 0 {
				t := &s.toks[len(s.toks)-1]
				t.kind, t.end = EOF, t.off
				return s.toks, true
			}
			depth--
		}
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
func (s *scanner) rune() bool {
	pos, start := s.pos(), s.off
	s.off++
	ok := true
	var r rune
	if s.peek(0) == '\\' {
		r, _, ok = s.escape('\'')
	} else {
		var size int
		r, size = utf8.DecodeRuneInString(s.src[s.off:])
		if size == 0 || r == '\n' || r == '\'' {
			s.errorf(pos, "empty or unclosed rune")
			return false
		}
		if r == utf8.RuneError && size == 1 {
			s.errorf(pos, "source is not valid UTF-8")
			ok = false
		}
		s.off += size
	}
	if s.peek(0) != '\'' {
		s.errorf(pos, "a rune is one character; strings are written \"...\"")
		s.skipLine()
		return false
	}
	s.off++
	if ok {
		s.addValue(Int, start, int64(r))
	}
	return ok
}
