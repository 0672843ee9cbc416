// Type
//
//	go run ./examples/calc eval '2 + 3 * 4'
//
// which prints 14; or run FILE, check FILE, or repl.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

const usage = "usage: calc run|eval|check|repl [-backend=tree] [-timeout=1s] [-max-memory=64MiB] [-max-steps=N] [FILE [ARG...]|SOURCE]"

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		args = []string{"repl"}
	}
	verb := args[0]
	flags := cli.NewFlags("calc", usage, stdout)
	timeout := flags.Duration("timeout", 0, "longest time, as 1s; 0 is no limit")
	var memory int64
	flags.Func("max-memory", "most memory for values, as 64MiB (default 256MiB)", func(s string) (err error) {
		memory, err = parseSize(s)
		return err
	})
	flags.Func("backend", "engine that runs the program: tree, the only one so far", func(s string) error {
		if s != "tree" {
			return errors.New("there is only tree")
		}
		return nil
	})
	steps := flags.Int64("max-steps", 0, "most calls and rounds of loops; 0 is no limit")
	if strings.HasPrefix(verb, "-") {
		verb, args = "", append([]string{""}, args...)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *timeout)
		defer cancel()
	}
	o := &calc.Options{Output: stdout, Limits: calc.Limits{Memory: memory, Steps: *steps}}
	if verb == "repl" && flags.NArg() == 0 {
		return repl(ctx, stdin, stdout, o)
	}
	if flags.NArg() == 0 || flags.NArg() > 1 && verb != "run" {
		return cli.Usage(usage)
	}
	source := flags.Arg(0)
	o.Args = flags.Args()[1:]
	switch verb {
	case "eval":
	case "run", "check":
		o.Name = source
		o.Modules = os.DirFS(filepath.Dir(source))
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		source = string(data)
	default:
		return cli.Usage(usage)
	}
	p, err := calc.Compile(source, o)
	if err != nil || verb == "check" {
		return status(err)
	}
	v, err := p.Run(ctx, nil)
	if err == nil && verb == "eval" && v.Kind() != calc.None {
		fmt.Fprintln(stdout, v)
	}
	return status(err)
}

// parseSize reads a positive number of bytes, with KiB, MiB or GiB behind it or not.
func parseSize(s string) (int64, error) {
	shift := 0
	digits := s
	for unit, n := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			digits, shift = rest, n
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64>>shift {
		return 0, errors.New("expected a size as 64MiB")
	}
	return n << shift, nil
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
