// Package syntax parses POSIX shell scripts into a tree of nodes. It neither
// expands nor runs anything.
//
//	list, err := syntax.Parse(src, "build.sh")
//
// Input of any kind gives a tree or an [*Error]: it never panics, and nesting
// deeper than [MaxDepth] is an error.
package syntax

import "fmt"

// MaxDepth bounds the nesting of commands, substitutions and quotes.
const MaxDepth = 500

// A Pos is a place in a script.
type Pos struct {
	Line, Col int // from 1; Col in bytes
}

// String returns "line:col".
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// An Error is a fault of the script.
type Error struct {
	Name       string // of the script
	Pos        Pos
	Msg        string
	Incomplete bool // more input could mend it
}

// Error returns name, position and message.
func (e *Error) Error() string { return fmt.Sprintf("%s:%v: %s", e.Name, e.Pos, e.Msg) }

// A List is a sequence of commands.
type List []*Stmt

// A Stmt is an and-or list, in the background if it ended with &.
type Stmt struct {
	Pos        Pos
	First      *Pipeline
	Rest       []AndOr
	Background bool
}

// AndOr is a pipeline behind && or ||.
type AndOr struct {
	And      bool
	Pipeline *Pipeline
}

// A Pipeline is commands joined by |.
type Pipeline struct {
	Negated bool // by !
	Cmds    []Command
}

// A Command is one of the types below.
type Command interface{ CommandPos() Pos }

// The commands.
type (
	// Simple is assignments, words and redirections.
	Simple struct {
		Pos     Pos
		Assigns []Assign
		Words   []*Word
		Redirs  []*Redir
	}

	// Subshell is ( list ).
	Subshell struct {
		Pos    Pos
		Body   List
		Redirs []*Redir
	}

	// Group is { list; }.
	Group struct {
		Pos    Pos
		Body   List
		Redirs []*Redir
	}

	// If is if, with elif as an If in Else.
	If struct {
		Pos        Pos
		Cond, Then List
		Else       List
		Redirs     []*Redir
	}

	// Loop is while or until.
	Loop struct {
		Pos        Pos
		Until      bool
		Cond, Body List
		Redirs     []*Redir
	}

	// For is for name in words.
	For struct {
		Pos    Pos
		Name   string
		Params bool // without in: over the positional parameters
		Words  []*Word
		Body   List
		Redirs []*Redir
	}

	// Case is case word in items esac.
	Case struct {
		Pos    Pos
		Word   *Word
		Items  []CaseItem
		Redirs []*Redir
	}

	// Func declares a function.
	Func struct {
		Pos  Pos
		Name string
		Body Command
	}
)

// CommandPos returns where the command begins.
func (c *Simple) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *Subshell) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *Group) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *If) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *Loop) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *For) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *Case) CommandPos() Pos { return c.Pos }

// CommandPos returns where the command begins.
func (c *Func) CommandPos() Pos { return c.Pos }

// CaseItem is the patterns of a case and what they lead to.
type CaseItem struct {
	Patterns []*Word
	Body     List
}

// Assign is name=value in front of a command.
type Assign struct {
	Name  string
	Value *Word
}

// Redir is a redirection.
type Redir struct {
	Pos    Pos
	Fd     int    // -1: the operator's own
	Op     string // < > >> >| <> <& >& << <<-
	Target *Word  // of a here-document: its body
}

// A Word is a sequence of parts without blanks between.
type Word struct {
	Pos   Pos
	Parts []Part
}

// Lit returns the text of a word that is one unquoted literal.
func (w *Word) Lit() (string, bool) {
	if len(w.Parts) != 1 {
		return "", false
	}
	l, ok := w.Parts[0].(*Lit)
	if !ok {
		return "", false
	}
	return l.Text, true
}

// A Part of a word is one of the types below.
type Part interface{ part() }

// The parts.
type (
	// Lit is unquoted text.
	Lit struct{ Text string }

	// Quoted is text that was quoted by '...' or a backslash.
	Quoted struct{ Text string }

	// DoubleQuoted is "...".
	DoubleQuoted struct{ Parts []Part }

	// Param is $name or ${name...}.
	Param struct {
		Pos    Pos
		Name   string
		Length bool   // ${#name}
		Op     string // "", - + = ? with or without : before, % %% # ##
		Arg    *Word
	}

	// CmdSubst is $(...) or `...`.
	CmdSubst struct{ Body List }

	// Arith is $((...)); its expression is expanded like a double-quoted word.
	Arith struct {
		Pos  Pos
		Expr *Word
	}
)

func (*Lit) part()          {}
func (*Quoted) part()       {}
func (*DoubleQuoted) part() {}
func (*Param) part()        {}
func (*CmdSubst) part()     {}
func (*Arith) part()        {}
