// Package syntax turns calc source into tokens and a tree of nodes, as go/token,
// go/scanner, go/ast and go/parser do for Go. It knows neither types nor values.
//
//	file, err := syntax.Parse("rule.calc", src)
//
// Input of any kind gives a tree or an [ErrorList]: it never panics, and nesting
// deeper than [MaxDepth] is a syntax error.
package syntax

import (
	"fmt"
	"math"
)

// A Pos is a place in the source. The zero Pos is unknown.
type Pos struct {
	Offset int32 // in bytes, from 0
	Line   int32 // from 1
	Col    int32 // in bytes, from 1
}

// String returns "line:col".
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// Kind is the kind of a token. Operators and keywords are kinds of their own.
type Kind uint8

// The kinds of tokens.
const (
	EOF    Kind = iota
	Semi        // ; or a newline that ends a statement
	Ident       // a name
	Int         // 42, 'a'
	Float       // 1.5
	String      // "text" with its interpolated parts, or `raw`

	operators // below: operators, in the order of operatorText

	Add
	Sub
	Mul
	Div
	Rem
	Pow
	And
	Or
	Xor
	Shl
	Shr
	AndAnd
	OrOr
	Not
	Eq
	Ne
	Lt
	Le
	Gt
	Ge
	Assign
	AddAssign
	SubAssign
	MulAssign
	DivAssign
	RemAssign
	PowAssign
	AndAssign
	OrAssign
	XorAssign
	ShlAssign
	ShrAssign
	Inc
	Dec
	LParen
	RParen
	LBrack
	RBrack
	LBrace
	RBrace
	Comma
	Colon
	Dot
	Range    // ..
	RangeInc // ..=
	Arrow    // =>
	Quest    // ?
	QuestDot // ?.
	Coalesce // ??
	Unwrap   // ! directly after an operand

	keywords // below: keywords, in the order of keywordText

	Let
	Var
	Func
	If
	Else
	For
	In
	Break
	Continue
	Return
	Do
	IntDiv // div
	True
	False
	Nil
	Match
	Type
	Import
	As
	reserved // kept for later versions
)

var operatorText = [...]string{
	"+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", "&&", "||", "!",
	"==", "!=", "<", "<=", ">", ">=",
	"=", "+=", "-=", "*=", "/=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=", "++", "--",
	"(", ")", "[", "]", "{", "}", ",", ":", ".", "..", "..=", "=>", "?", "?.", "??", "!",
}

var keywordText = [...]string{
	"let", "var", "func", "if", "else", "for", "in", "break", "continue", "return", "do", "div", "true", "false",
	"nil", "match", "type", "import", "as",
}

// keywordKind also holds the reserved words, so that no program uses them as names.
var keywordKind = map[string]Kind{
	"let": Let, "var": Var, "func": Func, "if": If, "else": Else, "for": For, "in": In, "break": Break,
	"continue": Continue, "return": Return, "do": Do, "div": IntDiv, "true": True, "false": False,
	"nil": Nil, "match": Match, "type": Type, "import": Import, "as": As,
	"const": reserved, "enum": reserved, "try": reserved, "catch": reserved, "defer": reserved, "yield": reserved,
}

// String returns the text of an operator or keyword, or the name of the kind.
func (k Kind) String() string {
	switch {
	case k == EOF:
		return "end of source"
	case k == Semi:
		return "end of statement"
	case k == Ident:
		return "name"
	case k == Int, k == Float:
		return "number"
	case k == String:
		return "string"
	case k > operators && k < keywords:
		return operatorText[k-operators-1]
	case k > keywords && k < reserved:
		return keywordText[k-keywords-1]
	}
	return "reserved word"
}

// A Token is a word of the source.
type Token struct {
	Kind  Kind
	Pos   Pos
	Text  string // as in the source
	Int   int64  // value of an Int
	parts []Part
}

// Float returns the value of a Float.
func (t *Token) Float() float64 { return math.Float64frombits(uint64(t.Int)) }

// Parts returns the parts of a String.
func (t *Token) Parts() []Part { return t.parts }

// A Part of a string is literal text or, if Tokens is not nil, an interpolated
// expression.
type Part struct {
	Text   string
	Tokens []Token // ends with EOF
}

// Scan splits src into tokens; the last one is EOF. Newlines that end a
// statement are Semi tokens. Errors do not stop it: the offending bytes are left
// out.
func Scan(src string) ([]Token, ErrorList) {
	s := scan(src)
	return s.tokens(s.toks), s.errs
}

// tokens turns tokens into those of the users of this package.
func (s *scanner) tokens(toks []tok) []Token {
	list := make([]Token, len(toks))
	for i := range toks {
		t := &toks[i]
		list[i] = Token{Kind: t.kind, Pos: s.where(t), Text: s.text(t)}
		switch t.kind {
		case Int, Float:
			list[i].Int = s.values[t.aux]
		case String:
			for _, p := range s.strings[t.aux] {
				q := Part{Text: p.text}
				if p.toks != nil {
					q.Tokens = s.tokens(p.toks)
				}
				list[i].parts = append(list[i].parts, q)
			}
		}
	}
	return list
}

// An Error is a syntax error.
type Error struct {
	Pos  Pos
	Msg  string
	Hint string // how to mend it; may be empty
}

// Error returns the position and the message.
func (e *Error) Error() string { return fmt.Sprintf("%v: %s", e.Pos, e.Msg) }

// An ErrorList holds the errors of one source, at most [MaxErrors], in the order
// of their positions.
type ErrorList []*Error

// Error returns the first error and the number of the others.
func (l ErrorList) Error() string {
	if len(l) == 1 {
		return l[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", l[0], len(l)-1)
}

const (
	// MaxErrors bounds the errors that are reported for one source.
	MaxErrors = 10

	// MaxDepth bounds the nesting of brackets, blocks, prefix operators and
	// right-associative operators.
	MaxDepth = 2000
)
