package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/gogit"
)

func clone(ctx context.Context, flags *cli.Flags, args []string, _ io.Reader, stdout io.Writer) error {
	bare := flags.Bool("bare", false, "make a bare repository")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 1 || flags.NArg() > 2 {
		return cli.Usage(usage)
	}
	dir := strings.TrimSuffix(path.Base(flags.Arg(0)), ".git")
	if flags.NArg() == 2 {
		dir = flags.Arg(1)
	}
	r, err := gogit.Clone(ctx, flags.Arg(0), dir, &gogit.CloneOptions{Bare: *bare, RemoteOptions: gogit.RemoteOptions{Progress: cli.Prefix(stdout, "remote: ")}})
	if err != nil {
		return err
	}
	return r.Close()
}

func lsRemote(ctx context.Context, flags *cli.Flags, args []string, _ io.Reader, stdout io.Writer) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return cli.Usage(usage)
	}
	list, err := gogit.ListRemote(ctx, flags.Arg(0), nil)
	for _, ref := range list {
		fmt.Fprintf(stdout, "%v\t%s\n", ref.ID, ref.Name)
	}
	return err
}
