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
// # Engines
//
// The checked program becomes functions in static single assignment form, which are
// improved (folding, common computations, inlining, objects that nobody else sees
// taken apart, hoisting, bounds) and then run by one of three engines, chosen by
// [Options].Backend: machine code for linux/amd64 if the program uses only numbers,
// bools and lists of them ([JIT]); a register machine for everything on every system
// ([VM]); or, from the tree, the reference engine ([Tree]). All give the same output,
// values and errors, to the byte. [Program.Dump] shows each form; [Build] puts the
// improved one into an executable, [Open] takes it from there. Machine code comes back to Go about every half a
// millisecond, so that deadlines, other goroutines and the collector are not kept
// waiting; where the system refuses executable memory, the VM runs the program.
//
// [Func] makes a Go function of an expression.
//
// # Limits
//
// The language is described in LANGUAGE.md. On Tree and VM what is alive is measured
// when a run has taken as much memory as it may, so Go's heap may hold about twice
// the limit for a while; the lists of machine code have memory of their own, with
// its own collector, of which each [Instance] and each call holds one.
package calc
