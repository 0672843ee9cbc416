package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/groundwork-go/groundwork/calc"
)

// build writes an executable: a copy of this one with the program behind it. What
// it writes appears under its name when it is whole.
func build(src, out string, o *calc.Options) (err error) {
	self, err := openSelf()
	if err != nil {
		return err
	}
	defer self.Close() // it was only read
	part := out + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part) // the first error is the one that matters
		}
	}()
	if err = calc.Build(f, src, calc.Target{Runner: self}, o); err != nil {
		_ = f.Close() // likewise
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(part, out)
}

func openSelf() (*os.File, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// runSelf runs the program that build has put behind this executable, if there is
// one.
func runSelf(ctx context.Context, args []string, stdout io.Writer) (ran bool, err error) {
	self, err := openSelf()
	if err != nil {
		return false, nil // then there is no program either
	}
	defer self.Close() // it was only read
	info, err := self.Stat()
	if err != nil {
		return false, nil
	}
	p, err := calc.Open(self, info.Size(), &calc.Options{Args: args, Output: stdout})
	if errors.Is(err, calc.ErrNoProgram) {
		return false, nil
	}
	if err != nil {
		return true, status(err)
	}
	_, err = p.Run(ctx, nil)
	return true, status(err)
}
