package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/groundwork-go/groundwork/calc"
)

// stages are what :dump shows.
var stages = map[string]calc.Stage{"ast": calc.AST, "types": calc.Types, "ir": calc.IR, "bytecode": calc.Bytecode, "asm": calc.Asm}

// repl evaluates inputs; one with open brackets goes on in the next line. :type X
// shows the type of X, :time X how long X takes, :dump STAGE X what becomes of X.
// On a terminal lines can be edited, tab completes names, the arrows go through the
// lines before, and an interrupt ends an evaluation.
func repl(ctx context.Context, stdin io.Reader, stdout io.Writer, o *calc.Options) error {
	session, err := calc.NewREPL(o)
	if err != nil {
		return err
	}
	var in lines = &plainLines{bufio.NewScanner(stdin), stdout}
	interrupt := func() (context.Context, context.CancelFunc) { return ctx, func() {} }
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in = newEditor(f, stdout, session)
		interrupt = func() (context.Context, context.CancelFunc) {
			return signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt)
		}
	}
	for {
		src, err := readInput(in)
		if err == io.EOF {
			fmt.Fprintln(stdout)
			return nil
		}
		if err != nil {
			return err
		}
		ctx, done := interrupt()
		err = evaluate(ctx, session, src, stdout)
		done()
		if err != nil {
			fmt.Fprint(stdout, calc.Report(err))
		}
	}
}

// evaluate does what an input asks for.
func evaluate(ctx context.Context, session *calc.REPL, src string, stdout io.Writer) error {
	command, rest, _ := strings.Cut(src, " ")
	start := time.Now()
	switch {
	case command == ":type":
		t, err := session.TypeOf(rest)
		if err == nil {
			fmt.Fprintln(stdout, t)
		}
		return err
	case command == ":time":
		err := show(ctx, session, rest, stdout)
		fmt.Fprintln(stdout, time.Since(start).Round(time.Microsecond))
		return err
	case command == ":dump":
		name, input, _ := strings.Cut(rest, " ")
		if stage, ok := stages[name]; ok {
			return session.Dump(stdout, input, stage)
		}
		fmt.Fprintln(stdout, "stages: ast, types, ir, bytecode, asm")
	case strings.HasPrefix(command, ":"):
		fmt.Fprintln(stdout, "commands: :type EXPRESSION, :time INPUT, :dump STAGE INPUT")
	default:
		return show(ctx, session, src, stdout)
	}
	return nil
}

func show(ctx context.Context, session *calc.REPL, src string, stdout io.Writer) error {
	v, err := session.Eval(ctx, src)
	if err == nil && v.Kind() != calc.None {
		fmt.Fprintln(stdout, v)
	}
	return err
}

// lines is where a session reads from; the end is io.EOF.
type lines interface {
	read(prompt string) (string, error)
}

// readInput reads lines until they are whole, or one is empty.
func readInput(in lines) (string, error) {
	src, prompt := "", "calc> "
	for {
		line, err := in.read(prompt)
		if err != nil {
			return "", err
		}
		src += line + "\n"
		if strings.TrimSpace(line) == "" || !calc.Incomplete(src) {
			return strings.TrimSuffix(src, "\n"), nil
		}
		prompt = "  ... "
	}
}

// plainLines reads what is no terminal.
type plainLines struct {
	in     *bufio.Scanner
	stdout io.Writer
}

func (p *plainLines) read(prompt string) (string, error) {
	fmt.Fprint(p.stdout, prompt)
	if !p.in.Scan() {
		if err := p.in.Err(); err != nil {
			return "", err
		}
		return "", io.EOF
	}
	return p.in.Text(), nil
}
