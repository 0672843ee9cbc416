// Type
//
//	go run ./examples/gosh
//
// and then commands: ls -la | grep go | wc -l. Or give it a script, or -c 'COMMAND'.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/gosh"
)

func main() {
	cli.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("gosh", "A POSIX shell: gosh [-i] [-s] [-c COMMAND] [FILE] [ARG...]", stdout)
	command := flags.String("c", "", "run this command")
	fromStdin := flags.Bool("s", false, "read commands from standard input; what follows are arguments")
	interactive := flags.Bool("i", false, "prompt for commands")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := &gosh.Options{Stdin: stdin, Stdout: stdout, Stderr: os.Stderr, Env: os.Environ(), Name: "gosh", Args: flags.Args(), OwnProcess: true}
	script := *command
	switch {
	case flags.IsSet("c"):
		if len(o.Args) > 0 {
			o.Name, o.Args = o.Args[0], o.Args[1:]
		}
	case flags.NArg() > 0 && !*fromStdin:
		o.Name, o.Args = flags.Arg(0), flags.Args()[1:]
		data, err := os.ReadFile(o.Name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "gosh:", err)
			return cli.StatusError(127)
		}
		script = string(data)
	case *interactive || isTerminal(stdin):
		s, err := gosh.New(o)
		if err != nil {
			return err
		}
		// The interrupt ends the command, which is in our process group, not us.
		interrupts := make(chan os.Signal, 1)
		signal.Notify(interrupts, os.Interrupt)
		defer signal.Stop(interrupts)
		return status(s.Interact(ctx, stdin))
	default:
		data, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		script = string(data)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := gosh.Run(ctx, script, o)
	if errors.Is(err, context.Canceled) {
		return cli.StatusError(130) // as a shell that an interrupt ended
	}
	return status(err)
}

// status turns the end of a script into that of the program.
func status(err error) error {
	var exit *gosh.ExitError
	var syntax *gosh.SyntaxError
	switch {
	case errors.As(err, &exit):
		return cli.StatusError(exit.Status)
	case errors.As(err, &syntax):
		fmt.Fprintln(os.Stderr, err)
		return cli.StatusError(2)
	}
	return err
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
