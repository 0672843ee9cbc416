package main

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

// settings are what the flags of a verb say.
type settings struct {
	flags   *cli.Flags
	options calc.Options
	timeout time.Duration
	out     string // of build
	stage   calc.Stage
}

// newSettings defines the flags that a verb has.
func newSettings(verb string, stdout io.Writer) *settings {
	s := &settings{flags: cli.NewFlags("calc", usage, stdout)}
	s.options.Output = stdout
	if verb == "build" {
		s.flags.StringVar(&s.out, "o", "a.out", "the executable to write")
		return s
	}
	if verb == "dump" {
		for i, name := range []string{"ast", "types", "ir", "bytecode", "asm"} {
			s.flags.BoolFunc(name, "dump this stage", func(string) error {
				s.stage = calc.Stage(i)
				return nil
			})
		}
		return s
	}
	s.flags.DurationVar(&s.timeout, "timeout", 0, "longest time, as 1s; 0 is no limit")
	s.flags.Func("max-memory", "most memory for values, as 64MiB (default 256MiB)", func(text string) (err error) {
		s.options.Limits.Memory, err = parseSize(text)
		return err
	})
	s.flags.Int64Var(&s.options.Limits.Steps, "max-steps", 0, "most calls and rounds of loops, about; 0 is no limit")
	s.flags.Func("backend", "engine that runs the program: tree, vm or jit (default: the fastest that can)", func(text string) error {
		for _, b := range []calc.Backend{calc.Tree, calc.VM, calc.JIT} {
			if b.String() == text {
				s.options.Backend = b
				return nil
			}
		}
		return errors.New("expected tree, vm or jit")
	})
	return s
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
