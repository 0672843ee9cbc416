// Package cli is what the example mains share: flags whose faults are one line and
// exit status 2, and the end of a program.
package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// A UsageError is a wrong command line.
type UsageError struct{ Msg string }

// Error returns the message, one line.
func (e *UsageError) Error() string { return e.Msg }

// Usage returns a UsageError.
func Usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// A StatusError ends a program with a status and without a message.
type StatusError int

// Error tells the status.
func (e StatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Exit ends the program: with 0 if err is nil or asked for help, 2 if it is a
// UsageError, its status if it is a StatusError, else 1.
func Exit(err error) {
	var usage *UsageError
	var status StatusError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case errors.As(err, &status):
		os.Exit(int(status))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Flags is a flag.FlagSet whose errors are UsageErrors.
type Flags struct {
	*flag.FlagSet
	help string
	out  io.Writer
}

// NewFlags returns an empty set of flags; help is what -h says of the program, to
// out.
func NewFlags(name, help string, out io.Writer) *Flags {
	f := &Flags{flag.NewFlagSet(name, flag.ContinueOnError), help, out}
	f.FlagSet.SetOutput(io.Discard)
	f.FlagSet.Usage = func() {}
	return f
}

// Parse parses a command line. -h prints the help and gives flag.ErrHelp.
func (f *Flags) Parse(args []string) error {
	err := f.FlagSet.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(f.out, "%s: %s\n\n", f.Name(), f.help)
		f.SetOutput(f.out)
		f.PrintDefaults()
		return err
	case err != nil:
		return Usage("%s: %v", f.Name(), err)
	}
	return nil
}

// IsSet tells whether a flag was given.
func (f *Flags) IsSet(name string) bool {
	found := false
	f.Visit(func(fl *flag.Flag) { found = found || fl.Name == name })
	return found
}

// Prefix returns a writer that puts a prefix before each line.
func Prefix(w io.Writer, prefix string) io.Writer { return &prefixWriter{w: w, prefix: prefix} }

type prefixWriter struct {
	mu     sync.Mutex
	w      io.Writer
	prefix string
	line   bytes.Buffer // begun and not ended
}

func (p *prefixWriter) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Write(b)
	for {
		text := p.line.String()
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			return len(b), nil
		}
		p.line.Next(i + 1)
		if _, err := io.WriteString(p.w, p.prefix+text[:i+1]); err != nil {
			return 0, err
		}
	}
}
