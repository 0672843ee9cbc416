package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/groundwork-go/groundwork/calc"
)

// repl evaluates lines. What was declared stays: the lines before are run again,
// silently.
func repl(ctx context.Context, stdin io.Reader, stdout io.Writer, o *calc.Options) error {
	in := bufio.NewScanner(stdin)
	kept := ""
	for {
		fmt.Fprint(stdout, "calc> ")
		if !in.Scan() {
			fmt.Fprintln(stdout)
			return in.Err()
		}
		v, err := replay(ctx, kept, in.Text(), stdout, o)
		if err != nil {
			fmt.Fprint(stdout, calc.Report(err))
			continue
		}
		if v.Kind() != calc.None {
			fmt.Fprintln(stdout, v)
		} else if strings.TrimSpace(in.Text()) != "" {
			kept += in.Text() + "\n"
		}
	}
}

// replay runs a line behind those that were kept; only its own output is shown.
func replay(ctx context.Context, kept, line string, stdout io.Writer, o *calc.Options) (calc.Value, error) {
	var shown strings.Builder
	with := *o
	with.Output, with.Name = &shown, "repl"
	before := ""
	if p, err := calc.Compile(kept, &with); err == nil {
		if _, err := p.Run(ctx, nil); err == nil {
			before = shown.String()
		}
	}
	shown.Reset()
	p, err := calc.Compile(kept+line, &with)
	if err != nil {
		return calc.Value{}, err
	}
	v, err := p.Run(ctx, nil)
	fmt.Fprint(stdout, strings.TrimPrefix(shown.String(), before))
	return v, err
}
