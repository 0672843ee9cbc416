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

// pause reports how long collections take while native code loops.
func pause(w io.Writer) error {
	p, err := calc.Compile("var n = 0\nfor { n++ }", &calc.Options{Backend: calc.JIT})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_, _ = p.Run(ctx, nil) // it ends with the context
		close(done)
	}()
	time.Sleep(50 * time.Millisecond) // the loop is to be under way
	var took []time.Duration
	for range 50 {
		start := time.Now()
		runtime.GC()
		took = append(took, time.Since(start))
		time.Sleep(3 * time.Millisecond)
	}
	cancel()
	<-done
	slices.Sort(took)
	fmt.Fprintf(w, "runtime.GC beside an endless native loop: median %v, worst %v\n\n", took[len(took)/2], took[len(took)-1])
	return nil
}
