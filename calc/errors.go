package calc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// ErrorKind is the kind of an [Error].
type ErrorKind int

// The kinds of errors.
const (
	SyntaxError   ErrorKind = iota + 1 // the source is not a program
	TypeError                          // names or types do not fit; nothing has run
	RuntimeError                       // the program failed
	LimitError                         // a limit was reached, or the context ended
	InternalError                      // a fault of this package, to be reported
)

// String returns the kind as messages name it.
func (k ErrorKind) String() string {
	switch k {
	case SyntaxError:
		return "syntax error"
	case TypeError:
		return "type error"
	case RuntimeError:
		return "runtime error"
	case LimitError:
		return "limit error"
	case InternalError:
		return "internal error"
	}
	return "error"
}

// A Position is a place in a source.
type Position struct {
	File      string
	Line, Col int // from 1; Col in bytes
}

// String returns "file:line:col".
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// A Frame is a call that was active when an error struck.
type Frame struct {
	Name string
	Pos  Position // where it was called
}

// An Error is an error of a program.
type Error struct {
	Kind  ErrorKind
	Pos   Position
	Msg   string
	Hint  string  // how to mend it; may be empty
	Stack []Frame // of runtime errors; innermost call first
	line  string  // the source line
	err   error   // the cause: of the context, of the output, of a host function
}

// Error returns the first line of the report: position, kind and message.
func (e *Error) Error() string { return fmt.Sprintf("%v: %v: %s", e.Pos, e.Kind, e.Msg) }

// Unwrap returns the cause, if the error has one outside of the program: that of
// the context, of the output, or of a host function.
func (e *Error) Unwrap() error { return e.err }

// Report returns the error with its source line, a caret under the column, the
// hint and the active calls, each line ended by a newline.
func (e *Error) Report() string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Error())
	line, at := e.shownLine()
	fmt.Fprintln(&b, line)
	for i := 0; i < at && i < len(line); i++ {
		if line[i] == '\t' {
			b.WriteByte('\t')
		} else if line[i]&0xc0 != 0x80 { // one column for each character
			b.WriteByte(' ')
		}
	}
	b.WriteString("^\n")
	if e.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", e.Hint)
	}
	for i, f := range e.Stack {
		if len(e.Stack) > 20 && i >= 10 && i < len(e.Stack)-10 {
			if i == 10 {
				b.WriteString("  ...\n")
			}
			continue
		}
		fmt.Fprintf(&b, "  at %s (%v)\n", f.Name, f.Pos)
	}
	return b.String()
}

// longLine is how long a source line is in bytes of which a report shows only a part.
const longLine = 300

// shownLine returns the source line, or of a long one the part around the error, and
// where in it the error is.
func (e *Error) shownLine() (line string, at int) {
	line, at = e.line, e.Pos.Col-1
	if len(line) <= longLine {
		return line, at
	}
	rune := func(i int) int { // the start of the character at i
		for i > 0 && i < len(line) && line[i]&0xc0 == 0x80 {
			i--
		}
		return i
	}
	from := rune(max(min(at, len(line))-longLine/2, 0))
	to := rune(min(from+longLine, len(line)))
	before, behind := "...", "..."
	if from == 0 {
		before = ""
	}
	if to == len(line) {
		behind = ""
	}
	return before + line[from:to] + behind, at - from + len(before)
}

// An ErrorList is the error of a source with several faults, at most 10, in the
// order of their positions.
type ErrorList []*Error

// Error returns the first error and the number of the others.
func (l ErrorList) Error() string { return fmt.Sprintf("%v (and %d more)", l[0], len(l)-1) }

// Unwrap returns the errors of the list.
func (l ErrorList) Unwrap() []error {
	list := make([]error, len(l))
	for i, e := range l {
		list[i] = e
	}
	return list
}

// Report returns the reports of all errors of this package in err, or its text if
// there are none.
func Report(err error) string {
	var list ErrorList
	var one *Error
	switch {
	case errors.As(err, &list):
		var b strings.Builder
		for _, e := range list {
			b.WriteString(e.Report())
		}
		return b.String()
	case errors.As(err, &one):
		return one.Report()
	}
	return err.Error() + "\n"
}

// sources are the texts of a program's files, by name.
type sources map[string]string

func (s sources) errorAt(kind ErrorKind, file string, p syntax.Pos, msg, hint string) *Error {
	e := &Error{Kind: kind, Pos: Position{file, int(p.Line), int(p.Col)}, Msg: msg, Hint: hint}
	text := s[file]
	if start := int(p.Offset - (p.Col - 1)); p.Line > 0 && start >= 0 && start <= len(text) {
		e.line, _, _ = strings.Cut(text[start:], "\n")
		e.line = strings.TrimSuffix(e.line, "\r")
	}
	return e
}

// internal turns a panic of this package into an error; a program is no reason for
// the host to end.
func (s sources) internal(file string, err *error) {
	if r := recover(); r != nil {
		pos := syntax.Pos{Line: 1, Col: 1}
		if p, ok := r.(*typed.Panic); ok {
			file, r = p.File, p.Value
			if p.Pos.Line > 0 {
				pos = p.Pos
			}
		}
		*err = s.errorAt(InternalError, file, pos, fmt.Sprint(r), "this is a fault of calc, not of the program")
	}
}

// errors turns errors of the compiler into one of this package.
func (s sources) errors(list []*check.Error) error {
	all := make(ErrorList, len(list))
	for i, e := range list {
		kind := TypeError
		if e.Syntax {
			kind = SyntaxError
		}
		all[i] = s.errorAt(kind, e.File, e.Pos, e.Msg, e.Hint)
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// fault turns a fault of an engine into an error.
func (s sources) fault(f *rt.Fault) error {
	kind := RuntimeError
	if f.Limit {
		kind = LimitError
	}
	e := s.errorAt(kind, f.File, f.Pos, f.Err.Error(), "")
	e.err = f.Err
	for _, fr := range f.Stack {
		e.Stack = append(e.Stack, Frame{fr.Name, Position{fr.File, int(fr.Pos.Line), int(fr.Pos.Col)}})
	}
	return e
}
