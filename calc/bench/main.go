// Command bench measures calc against other engines and prints the tables of the
// README:
//
//	GOWORK=off go -C calc/bench run . [-only native|vm|slow|tree|limits|expressions|front|hello|pause]
//
// Programs run in processes of their own, a round of each engine after the other;
// figures are CPU time (getrusage, user and system), medians of the rounds. Peers that are
// programs are gcc, luajit, lua5.4 and node, as Debian has them. Nothing else should
// run meanwhile.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "exec" {
		if err := execute(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	only := flag.String("only", "", "run one part: native, vm, slow, tree, limits, expressions, front, hello, pause")
	rounds := flag.Int("rounds", 5, "rounds of each program")
	testing.Init()
	flag.Parse()
	if err := flag.Set("test.benchtime", "20ms"); err != nil { // of each round of an expression
		panic(err)
	}
	if err := run(os.Stdout, *only, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, only string, rounds int) error {
	dir, err := os.MkdirTemp("", "calc-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // nothing of it is needed
	b := &bench{w: w, dir: dir, rounds: rounds}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"native", func() error {
			return b.table(numeric, []string{"c", "go", "luajit", "node", "calc jit"})
		}},
		{"vm", func() error {
			return b.table(portable, []string{"lua5.4", "calc vm"})
		}},
		{"slow", func() error { // a round takes a minute
			b := &bench{w: w, dir: dir, rounds: 1}
			return b.table(portable, []string{"gopher-lua", "goja", "calc vm"})
		}},
		{"tree", func() error {
			return b.table(recursion, []string{"starlark", "tengo", "calc tree"})
		}},
		{"limits", func() error { return limits(w, rounds) }},
		{"expressions", func() error { return expressions(w) }},
		{"front", func() error { return frontEnd(w) }},
		{"hello", func() error { return b.hello() }},
		{"pause", func() error { return pause(w) }},
	} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// bench runs programs.
type bench struct {
	w      io.Writer
	dir    string
	rounds int
}

// table measures programs on engines, the last of which is ours, and writes the
// seconds of each and the geometric mean of ours over theirs.
func (b *bench) table(programs []program, engines []string) error {
	fmt.Fprintf(b.w, "| program | %s |\n|---|", join(engines, " | "))
	for range engines {
		fmt.Fprint(b.w, "---|")
	}
	fmt.Fprintln(b.w)
	ratios := make(map[string][]float64)
	for _, p := range programs {
		commands := make([]func() *exec.Cmd, len(engines))
		for i, e := range engines {
			var err error
			if commands[i], err = b.prepare(p, e); err != nil {
				return fmt.Errorf("%s on %s: %w", p.name, e, err)
			}
		}
		times := make([][]time.Duration, len(engines))
		for range b.rounds {
			for i := range engines {
				if commands[i] == nil {
					continue
				}
				t, err := cpu(commands[i]())
				if err != nil {
					return fmt.Errorf("%s on %s: %w", p.name, engines[i], err)
				}
				times[i] = append(times[i], t)
			}
		}
		fmt.Fprintf(b.w, "| %s |", p.name)
		ours := median(times[len(engines)-1])
		for i, e := range engines {
			if times[i] == nil {
				fmt.Fprint(b.w, " - |")
				continue
			}
			m := median(times[i])
			fmt.Fprintf(b.w, " %.3f s |", m.Seconds())
			ratios[e] = append(ratios[e], ours.Seconds()/m.Seconds())
		}
		fmt.Fprintln(b.w)
	}
	last := len(engines) - 1
	fmt.Fprintf(b.w, "| %s over it, geometric mean |", engines[last])
	for _, e := range engines[:last] {
		fmt.Fprintf(b.w, " %.2f (worst %.2f) |", geometric(ratios[e]), slices.Max(ratios[e]))
	}
	fmt.Fprint(b.w, " |\n")
	fmt.Fprintf(b.w, "| times as fast, geometric mean |")
	for _, e := range engines[:last] {
		fmt.Fprintf(b.w, " %.2f |", 1/geometric(ratios[e]))
	}
	fmt.Fprint(b.w, " |\n\n")
	return nil
}

// cpu runs a command and returns its time on processors.
func cpu(cmd *exec.Cmd) (time.Duration, error) {
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
