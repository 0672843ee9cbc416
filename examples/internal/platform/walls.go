package platform

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/groundwork-go/groundwork/container"
	"github.com/groundwork-go/groundwork/gosh"
)

// Walls tells whether this kernel lets us put apps into containers, or why not.
func Walls(ctx context.Context) error { return container.CommandContext(ctx, "true").Run() }

// ContainerRunner runs each command of an app in a container: it sees the host's
// files read-only, an empty /tmp, its own processes, and may write to its release.
// The network is the host's.
type ContainerRunner struct {
	// Mounts are made for every app besides.
	Mounts []container.Mount
}

// Start starts an instance.
func (r ContainerRunner) Start(_ context.Context, s Spec) (Instance, error) {
	return startCommand(s, func(ctx context.Context, c *gosh.Cmd, term <-chan struct{}) error {
		cmd := contained(ctx, c, s.Dir)
		cmd.Mounts = append(cmd.Mounts, r.Mounts...)
		if err := cmd.Start(); err != nil {
			return err
		}
		ended, told := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(told)
			select {
			case <-term:
				_ = cmd.Signal(syscall.SIGTERM) // it may have ended just now
			case <-ended:
			}
		}()
		err := cmd.Wait()
		close(ended)
		<-told
		return shellStatus(err)
	})
}

// ContainerBuilder runs the commands of builds in containers, which may also write to
// the caches of Go.
type ContainerBuilder struct{}

// Run runs c.
func (ContainerBuilder) Run(ctx context.Context, dir string, c *gosh.Cmd) error {
	cmd := contained(ctx, c, dir)
	for _, cache := range goCaches() {
		if os.MkdirAll(cache, 0o755) == nil { // else the build shows what it lacks
			cmd.Mounts = append(cmd.Mounts, container.Mount{Source: cache})
		}
	}
	return shellStatus(cmd.Run())
}

// contained makes a container of a shell's command, which may write to dir.
func contained(ctx context.Context, c *gosh.Cmd, dir string) *container.Cmd {
	cmd := container.CommandContext(ctx, c.Path)
	cmd.Args, cmd.Env, cmd.Dir = c.Args, c.Env, c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.Mounts = []container.Mount{{Source: dir}}
	return cmd
}

// shellStatus turns the end of a container into what the shell expects.
func shellStatus(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if ws, ok := exit.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	}); ok && ws.Signaled() {
		return &gosh.ExitError{Status: 128 + int(ws.Signal()), Signal: ws.Signal()}
	}
	return &gosh.ExitError{Status: exit.ExitCode()}
}

// goCaches returns where the go command keeps builds and modules.
func goCaches() []string {
	var dirs []string
	if d := os.Getenv("GOCACHE"); filepath.IsAbs(d) {
		dirs = append(dirs, d)
	} else if base, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(base, "go-build"))
	}
	if d := os.Getenv("GOMODCACHE"); filepath.IsAbs(d) {
		return append(dirs, d)
	}
	if d := os.Getenv("GOPATH"); filepath.IsAbs(d) {
		return append(dirs, filepath.Join(d, "pkg", "mod"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "go", "pkg", "mod"))
	}
	return dirs
}
