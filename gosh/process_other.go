//go:build !unix

package gosh

import (
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"time"
)

// RunProcess runs a command as a process and waits for it: the default of
// Options.Exec. When ctx ends, the process is killed. Descriptors above 2 and
// process groups are not supported here.
func RunProcess(ctx context.Context, c *Cmd) error {
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Args, cmd.Env, cmd.Dir = c.Args, c.Env, c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &ExitError{Status: exit.ExitCode()}
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

func checkExecutable(string, fs.FileInfo) error { return nil }
