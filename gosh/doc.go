// Package gosh is a POSIX shell as a library.
//
//	out, err := gosh.Output(ctx, `for f in *.go; do echo "$f"; done`, nil)
//
// A script gets its input, output, folder, environment and commands by [Options]
// and changes nothing of the process around it: not its folder, not its
// environment, not its descriptors.
//
// # Guarantees
//
//   - A script that does not parse runs nothing and gives a [*SyntaxError].
//   - A status that is not zero is an [*ExitError].
//   - When the context ends, running commands are killed with their children,
//     loops stop, and Run returns its error.
//   - When Run returns, no process, pipe or goroutine of the script is left, but
//     for programs that made themselves daemons: Run waits for background jobs.
//   - Depth and number of commands can be bounded with [Limits].
//
// # Limits
//
// The language is POSIX's without aliases.
// Subshells are goroutines: $$ is the process around
// them, $! is a number that wait understands and kill does not. trap knows EXIT.
// There are no jobs, no history and no line editor.
package gosh
