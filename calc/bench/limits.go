package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/native"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// limits measures what the tests for the end of a run cost native code: against the
// same code without them.
func limits(w io.Writer, rounds int) error {
	fmt.Fprint(w, "| program | with limits | without | ratio |\n|---|---|---|---|\n")
	var ratios []float64
	for _, p := range []program{{"fib", "35", "39"}, {"mandel", "500", "1000"}, {"sieve", "5000000", "20000000"}, {"spectral", "300", "1200"}} {
		text, err := files.ReadFile("testdata/" + p.name + ".calc")
		if err != nil {
			return err
		}
		var runs [2]func() error
		for i := range runs {
			if runs[i], err = nativeRun(strings.ReplaceAll(string(text), p.size, p.by), i == 1); err != nil {
				return err
			}
		}
		var times [2][]time.Duration
		for range 2*rounds + 1 {
			for i, run := range runs {
				runtime.GC()
				before := used()
				if err := run(); err != nil {
					return err
				}
				times[i] = append(times[i], used()-before)
			}
		}
		with, without := median(times[0]), median(times[1])
		ratios = append(ratios, with.Seconds()/without.Seconds())
		fmt.Fprintf(w, "| %s | %.3f s | %.3f s | %.3f |\n", p.name, with.Seconds(), without.Seconds(), ratios[len(ratios)-1])
	}
	fmt.Fprintf(w, "| geometric mean | | | %.3f |\n\n", geometric(ratios))
	return nil
}

// nativeRun returns what runs a source as machine code.
func nativeRun(src string, unlimited bool) (func() error, error) {
	file, err := syntax.Parse("bench", src)
	if err != nil {
		return nil, err
	}
	prog, errs := check.New(check.Host{}).File(file)
	if len(errs) > 0 {
		return nil, fmt.Errorf("%v", errs[0])
	}
	code := ir.Build(prog, nil, ir.Options{})
	code.Optimize(0, ir.Passes{})
	img, err := native.Compile(code, native.Options{Unlimited: unlimited})
	if err != nil {
		return nil, err
	}
	loaded, err := native.Load(img)
	if err != nil {
		return nil, err
	}
	return func() error {
		m := native.New(loaded)
		defer m.Close()
		m.Limits = rt.Limits{Memory: 1 << 30, Depth: 20_000}
		if _, fault := m.Run(context.Background(), nil); fault != nil {
			return fault.Err
		}
		return nil
	}, nil
}

// used is the time that this process has had on processors.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
