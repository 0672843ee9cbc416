package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// An Error is a step that failed.
type Error struct {
	Op   string // what was tried, as mount, cgroup, exec
	Path string // on what; may be empty
	Step int    // its place in the plan, 0 if it is not part of it
	Err  error
}

// Error names the step.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("container: " + e.Op)
	if e.Path != "" {
		b.WriteString(" " + e.Path)
	}
	if e.Step > 0 {
		fmt.Fprintf(&b, " (step %d)", e.Step)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A Mount makes a file or folder of the host visible inside.
type Mount struct {
	Source   string // on the host, absolute
	Target   string // inside, absolute; empty means the same as Source
	ReadOnly bool
}

// Limits bound what a container may use; they need a cgroup that the caller may
// make. A zero field is no limit.
type Limits struct {
	Memory int64 // bytes
	Pids   int   // processes and threads
}

// A Cmd is a command to be run in a container. Like exec.Cmd it is used once.
type Cmd struct {
	// Path is the program, as it is found inside. Command sets it to the name,
	// which is looked up in the PATH of Env.
	Path string
	// Args are the arguments, the name first.
	Args []string
	// Env holds NAME=value. Nil means that of the caller.
	Env []string
	// Dir is where the command starts, inside. Empty means "/".
	Dir string

	// Stdin, Stdout and Stderr are as in exec.Cmd.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// RootFS is a folder that becomes "/". Empty means the host's files,
	// read-only, with an empty /tmp.
	RootFS string
	// Mounts are made in order, after the root.
	Mounts []Mount
	// Hostname is the name of the host inside. Empty means "container".
	Hostname string
	// Limits bound what may be used.
	Limits Limits

	bundle  *bundle // of FromBundle
	ctx     context.Context
	running *process
}

// Command returns a Cmd that runs a program with arguments.
func Command(name string, arg ...string) *Cmd {
	return CommandContext(context.Background(), name, arg...)
}

// CommandContext is like Command; the container is killed when ctx ends.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, arg...), ctx: ctx}
}

// Run starts the command and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns what it wrote to standard output.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("container: Stdout is set already")
	}
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// Start starts the command. It returns when the program inside has begun, or with
// an [*Error] that says which step failed.
func (c *Cmd) Start() error {
	switch {
	case c.running != nil:
		return errors.New("container: started already")
	case len(c.Args) == 0 || c.Path == "":
		return &Error{Op: "config", Err: errors.New("no command")}
	}
	if err := c.check(); err != nil {
		return err
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	p, err := c.start()
	c.running = p
	return err
}

// check finds what cannot be handed to the kernel.
func (c *Cmd) check() error {
	texts := map[string][]string{"Path": {c.Path}, "Args": c.Args, "Env": c.Env, "Dir": {c.Dir}, "RootFS": {c.RootFS}, "Hostname": {c.Hostname}}
	for _, m := range c.Mounts {
		texts["Mounts"] = append(texts["Mounts"], m.Source, m.Target)
		if !strings.HasPrefix(m.Source, "/") || m.Target != "" && !strings.HasPrefix(m.Target, "/") || strings.Contains(m.Target+"/", "/../") {
			return &Error{Op: "config", Path: m.Source, Err: fmt.Errorf("mount of %q on %q: not absolute", m.Source, m.Target)}
		}
	}
	for field, list := range texts {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return &Error{Op: "config", Err: fmt.Errorf("%s has a NUL byte", field)}
			}
		}
	}
	if c.Limits.Memory < 0 || c.Limits.Pids < 0 {
		return &Error{Op: "config", Err: errors.New("limits are negative")}
	}
	return nil
}

// Wait waits for the command. A status that is not zero is an *exec.ExitError.
func (c *Cmd) Wait() error {
	if c.running == nil {
		return errors.New("container: not started")
	}
	return c.running.wait()
}

// Signal sends a signal to the first process inside. The kernel keeps from it those
// that it does not handle, but SIGKILL.
func (c *Cmd) Signal(sig os.Signal) error {
	if c.running == nil {
		return errors.New("container: not started")
	}
	return c.running.signal(sig)
}
