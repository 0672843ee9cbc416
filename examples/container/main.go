// Type
//
//	go run ./examples/container run sh -c 'hostname; id -u; ps'
//
// without root: the host's files are read-only inside, and the shell is process 1. Or,
// as with runc, an OCI bundle: run -b DIR ID, or run ID in its folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/groundwork-go/groundwork/container"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	const usage = "usage: container run [-rootfs DIR] [-hostname NAME] [-dir DIR] [-mount DIR] [-memory BYTES] [-pids N] COMMAND [ARG...] | container run [-b BUNDLE] ID"
	flags := cli.NewFlags("container run", usage, stdout)
	bundle := flags.String("b", "", "folder with config.json and a root; the current one if it has a config.json")
	rootfs := flags.String("rootfs", "", "folder that becomes /; empty is the host's, read-only")
	hostname := flags.String("hostname", "", "name of the host inside")
	dir := flags.String("dir", "", "folder to start in")
	memory := flags.Int64("memory", 0, "most bytes of memory")
	pids := flags.Int("pids", 0, "most processes")
	var mounts []container.Mount
	flags.Func("mount", "folder of the host that may be written to; may be repeated", func(s string) error {
		mounts = append(mounts, container.Mount{Source: s})
		return nil
	})
	if len(args) == 0 || args[0] != "run" {
		if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
			return flags.Parse([]string{"-h"})
		}
		return cli.Usage(usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return cli.Usage(usage)
	}
	if _, err := os.Stat("config.json"); err == nil && *bundle == "" {
		*bundle = "."
	}
	var cmd *container.Cmd
	if *bundle != "" {
		if id := flags.Arg(0); flags.NArg() != 1 || !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}$`).MatchString(id) {
			return cli.Usage("a bundle is run by one ID of letters, digits and _.+-, found %.60q", flags.Args())
		}
		var err error
		if cmd, err = container.FromBundle(ctx, *bundle); err != nil {
			return err
		}
	} else {
		cmd = container.CommandContext(ctx, flags.Arg(0), flags.Args()[1:]...)
		cmd.RootFS, cmd.Hostname, cmd.Dir, cmd.Mounts = *rootfs, *hostname, *dir, mounts
		cmd.Limits = container.Limits{Memory: *memory, Pids: *pids}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, os.Stderr
	return status(cmd.Run())
}

// status turns the end of a container into that of the program.
func status(err error) error {
	var exit *exec.ExitError
	var fault *container.Error
	switch {
	case errors.As(err, &exit):
		if ws, ok := exit.Sys().(interface {
			Signaled() bool
			Signal() syscall.Signal
		}); ok && ws.Signaled() {
			return cli.StatusError(128 + int(ws.Signal()))
		}
		return cli.StatusError(exit.ExitCode())
	case errors.As(err, &fault) && fault.Op == "exec":
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return cli.StatusError(127)
		}
		return cli.StatusError(126)
	}
	return err
}
