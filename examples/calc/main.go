// Command calc runs programs in the calc language.
//
//	go run ./examples/calc eval '2 + 3 * 4'
//
// which prints 14; or run FILE, check FILE, build -o OUT FILE, dump -ir FILE, or repl.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if ran, err := runSelf(ctx, os.Args[1:], os.Stdout); ran {
		cli.Exit(err)
	}
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

const usage = "usage: calc run|eval|check|build|dump|repl [FLAG...] [FILE [ARG...]|SOURCE]"

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		args = []string{"repl"}
	}
	verb, args := args[0], args[1:]
	if verb != "" && verb[0] == '-' {
		verb, args = "", append([]string{verb}, args...)
	}
	s := newSettings(verb, stdout)
	if err := s.flags.Parse(args); err != nil {
		return err
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	if verb == "repl" && s.flags.NArg() == 0 {
		return repl(ctx, stdin, stdout, &s.options)
	}
	if s.flags.NArg() == 0 || s.flags.NArg() > 1 && verb != "run" {
		return cli.Usage(usage)
	}
	source := s.flags.Arg(0)
	switch verb {
	case "eval":
	case "run", "check", "build", "dump":
		s.options.Args = s.flags.Args()[1:]
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		s.options.Name, s.options.Modules = source, os.DirFS(filepath.Dir(source))
		source = string(data)
	default:
		return cli.Usage(usage)
	}
	if verb == "build" {
		return status(build(source, s.out, &s.options))
	}
	p, err := calc.Compile(source, &s.options)
	if err != nil || verb == "check" {
		return status(err)
	}
	if verb == "dump" {
		return status(p.Dump(stdout, s.stage))
	}
	v, err := p.Run(ctx, nil)
	if err == nil && verb == "eval" && v.Kind() != calc.None {
		fmt.Fprintln(stdout, v)
	}
	return status(err)
}

// status reports errors of a program and turns them into the program's end: 1 for
// runtime errors, 2 for syntax and type errors, 3 for limits.
func status(err error) error {
	var e *calc.Error
	if !errors.As(err, &e) {
		return err
	}
	fmt.Fprint(os.Stderr, calc.Report(err))
	switch e.Kind {
	case calc.RuntimeError:
		return cli.StatusError(1)
	case calc.LimitError:
		return cli.StatusError(3)
	}
	return cli.StatusError(2)
}
