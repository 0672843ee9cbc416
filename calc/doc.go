// Package calc is a small statically typed language for rules, formulas and
// scripts inside Go programs.
//
//	v, err := calc.Eval("2 + 3 * 4")
//	if err != nil {
//		return err
//	}
//	fmt.Println(v) // 14
//
// A program that runs more than once is compiled once, with the names that the
// host gives it, and then run from any number of goroutines:
//
//	p, err := calc.Compile("requests / instances > 100", &calc.Options{
//		Env: map[string]any{"requests": 0, "instances": 0},
//	})
//	v, err := p.Run(ctx, map[string]any{"requests": 950, "instances": 4})
//
// # Guarantees
//
//   - A type error is found before anything runs.
//   - A program sees nothing but its own variables and what Options give it.
//   - No source makes the package panic, run past its context, or take memory
//     past [Limits].
//   - A [Program] is immutable; runs do not influence each other.
//
// # Limits
//
// The language is described in LANGUAGE.md. Programs are run by walking their
// tree. What is alive is measured when a run has taken as much memory as it may,
// so Go's heap may hold about twice the limit for a while.
package calc
