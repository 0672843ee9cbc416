package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/groundwork-go/groundwork/calc"
)

// editor reads lines from a terminal, which is only raw while it reads: what programs
// print, and what interrupts them, is the terminal's own business.
type editor struct {
	tty     *os.File
	line    *term.Terminal
	session *calc.REPL
}

func newEditor(tty *os.File, stdout io.Writer, session *calc.REPL) *editor {
	e := &editor{tty: tty, session: session}
	e.line = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{tty, stdout}, "")
	e.line.AutoCompleteCallback = e.complete
	return e
}

func (e *editor) read(prompt string) (line string, err error) {
	state, err := term.MakeRaw(int(e.tty.Fd()))
	if err != nil {
		return "", fmt.Errorf("make the terminal raw: %w", err)
	}
	defer func() {
		if back := term.Restore(int(e.tty.Fd()), state); err == nil {
			err = back
		}
	}()
	if width, height, err := term.GetSize(int(e.tty.Fd())); err == nil && width > 0 {
		_ = e.line.SetSize(width, height) // it fails where the size is not known
	}
	e.line.SetPrompt(prompt)
	line, err = e.line.ReadLine()
	if err == term.ErrPasteIndicator {
		err = nil
	}
	return line, err
}

// complete goes on with the word before the cursor as far as all names do that begin
// as it does, and lists them if that is nowhere.
func (e *editor) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	names := e.session.Complete(line[:pos])
	word := pos - strings.LastIndexFunc(line[:pos], func(c rune) bool { return !isWord(c) }) - 1
	if len(names) == 0 || word == 0 {
		return line, pos, true
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) == word && len(names) > 1 {
		fmt.Fprintln(e.line, strings.Join(names, "  "))
	}
	return line[:pos-word] + common + line[pos:], pos - word + len(common), true
}

func isWord(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
