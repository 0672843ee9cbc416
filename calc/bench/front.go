package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// frontEnd measures the parser on the programs, one behind the other.
func frontEnd(w io.Writer) error {
	var b strings.Builder
	for b.Len() < 2_000_000 {
		for _, p := range portable {
			text, err := files.ReadFile("testdata/" + p.name + ".calc")
			if err != nil {
				return err
			}
			b.Write(text)
			b.WriteByte('\n')
		}
	}
	src := b.String()
	best := time.Duration(0)
	for range 7 {
		start := time.Now()
		if _, err := syntax.Parse("all", src); err != nil {
			return err
		}
		if t := time.Since(start); best == 0 || t < best {
			best = t
		}
	}
	fmt.Fprintf(w, "lex and parse: %.1f MB/s\n\n", float64(len(src))/1e6/best.Seconds())
	return nil
}

// pause reports how long collections take while native code loops, and while Go does,
// which tells what the machine adds.
func pause(w io.Writer) error {
	p, err := calc.Compile("var n = 0\nfor { n++ }", &calc.Options{Backend: calc.JIT})
	if err != nil {
		return err
	}
	for _, loop := range []struct {
		name string
		run  func(context.Context)
	}{
		{"native", func(ctx context.Context) { _, _ = p.Run(ctx, nil) }}, // it ends with the context
		{"Go", func(ctx context.Context) {
			for ctx.Err() == nil {
			}
		}},
	} {
		took := collections(loop.run)
		fmt.Fprintf(w, "runtime.GC beside an endless %s loop: median %v, worst of %d %v\n", loop.name, took[len(took)/2], len(took), took[len(took)-1])
	}
	fmt.Fprintln(w)
	return nil
}

// collections returns how long each of some collections takes while a loop runs, the
// shortest first.
func collections(loop func(context.Context)) (took []time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		loop(ctx)
		close(done)
	}()
	time.Sleep(50 * time.Millisecond) // the loop is to be under way
	for range 50 {
		start := time.Now()
		runtime.GC()
		took = append(took, time.Since(start))
		time.Sleep(3 * time.Millisecond)
	}
	cancel()
	<-done
	slices.Sort(took)
	return took
}
