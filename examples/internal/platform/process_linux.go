package platform

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/gosh"
)

// runUntilTold runs a command in a process group of its own. The kernel kills it
// when the platform dies: that is tied to the thread that started it, so the thread
// is kept until the command ends.
func runUntilTold(ctx context.Context, c *gosh.Cmd, term <-chan struct{}) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Args, cmd.Env, cmd.Dir = c.Args, c.Env, c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	signal := func(sig syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, sig) }
	cmd.Cancel = func() error { return signal(syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		select {
		case <-term:
			_ = signal(syscall.SIGTERM) // it may have ended just now
		case <-ended:
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-told
	// Whatever the command left in its group ends with it.
	_ = signal(syscall.SIGKILL) // most often there is nothing left
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		ws, _ := exit.Sys().(syscall.WaitStatus) // what it is on Linux
		if ws.Signaled() {
			return &gosh.ExitError{Status: 128 + int(ws.Signal()), Signal: ws.Signal()}
		}
		return &gosh.ExitError{Status: exit.ExitCode()}
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}
