//go:build unix

package gosh

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// RunProcess runs a command as a process and waits for it: the default of
// Options.Exec. When ctx ends, the process is killed, and its whole group if
// c.OwnGroup is set.
func RunProcess(ctx context.Context, c *Cmd) error {
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Args, cmd.Env, cmd.Dir = c.Args, c.Env, c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	for fd := 3; len(c.Files) > len(cmd.ExtraFiles) && fd < 64; fd++ {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.Files[fd]) // nil leaves it closed
	}
	// Input that is no file is copied by a goroutine; once the command has ended
	// nobody waits for that.
	cmd.WaitDelay = time.Second
	if c.OwnGroup {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error {
			err := unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
			if errors.Is(err, unix.ESRCH) {
				return os.ErrProcessDone
			}
			return err
		}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		ws, _ := exit.Sys().(syscall.WaitStatus) // what it is on Unix
		if ws.Signaled() {
			return &ExitError{Status: 128 + int(ws.Signal()), Signal: ws.Signal()}
		}
		return &ExitError{Status: exit.ExitCode()}
	case errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("exec format error")
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func checkExecutable(path string, _ fs.FileInfo) error {
	if err := unix.Access(path, unix.X_OK); err != nil {
		return errors.New("permission denied")
	}
	return nil
}
