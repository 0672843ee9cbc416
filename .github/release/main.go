// Command release plans, simulates and tags releases of the modules of this
// repository.
//
//	go run ./.github/release plan            # what has changed, and the next versions
//	go run ./.github/release simulate        # use every module as its users will
//	go run ./.github/release tag [-yes]      # print the tags, or create them
//
// It works on what is committed and pushes nothing. Names of modules behind the
// command restrict it to these.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

const usage = "usage: release plan|simulate|tag [-yes] [module ...]"

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	yes := flags.Bool("yes", false, "create the tags")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%v; %s", err, usage)
	}
	repo, err := openRepo(ctx, ".")
	if err != nil {
		return err
	}
	mods, err := repo.selected(flags.Args())
	if err != nil {
		return err
	}
	switch args[0] {
	case "plan":
		return plan(ctx, repo, mods, stdout)
	case "simulate":
		return simulate(ctx, repo, mods, stdout)
	case "tag":
		return tag(ctx, repo, mods, *yes, stdout)
	}
	return fmt.Errorf("unknown command %q; %s", args[0], usage)
}
