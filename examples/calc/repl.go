package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/calc"
)

// stages are what :dump shows.
var stages = map[string]calc.Stage{"ast": calc.AST, "types": calc.Types, "ir": calc.IR, "bytecode": calc.Bytecode, "asm": calc.Asm}

// repl evaluates inputs; one with open brackets goes on in the next line. :type X
// shows the type of X, :time X how long X takes, :dump STAGE X what becomes of X.
func repl(ctx context.Context, stdin io.Reader, stdout io.Writer, o *calc.Options) error {
	session, err := calc.NewREPL(o)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(stdin)
	for {
		src, ok := readInput(in, stdout)
		if !ok {
			fmt.Fprintln(stdout)
			return in.Err()
		}
		command, rest, _ := strings.Cut(src, " ")
		start := time.Now()
		switch {
		case command == ":type":
			var t string
			if t, err = session.TypeOf(rest); err == nil {
				fmt.Fprintln(stdout, t)
			}
		case command == ":time":
			err = show(ctx, session, rest, stdout)
			fmt.Fprintln(stdout, time.Since(start).Round(time.Microsecond))
		case command == ":dump":
			name, input, _ := strings.Cut(rest, " ")
			if stage, ok := stages[name]; ok {
				err = session.Dump(stdout, input, stage)
			} else {
				fmt.Fprintln(stdout, "stages: ast, types, ir, bytecode, asm")
			}
		case strings.HasPrefix(command, ":"):
			fmt.Fprintln(stdout, "commands: :type EXPRESSION, :time INPUT, :dump STAGE INPUT")
		default:
			err = show(ctx, session, src, stdout)
		}
		if err != nil {
			fmt.Fprint(stdout, calc.Report(err))
			err = nil
		}
	}
}

// readInput reads lines until they are whole, or one is empty.
func readInput(in *bufio.Scanner, stdout io.Writer) (string, bool) {
	src, prompt := "", "calc> "
	for {
		fmt.Fprint(stdout, prompt)
		if !in.Scan() {
			return "", false
		}
		src += in.Text() + "\n"
		if strings.TrimSpace(in.Text()) == "" || !calc.Incomplete(src) {
			return strings.TrimSuffix(src, "\n"), true
		}
		prompt = "  ... "
	}
}

func show(ctx context.Context, session *calc.REPL, src string, stdout io.Writer) error {
	v, err := session.Eval(ctx, src)
	if err == nil && v.Kind() != calc.None {
		fmt.Fprintln(stdout, v)
	}
	return err
}
