package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/gogit/odb"
)

func hashObject(_ context.Context, flags *cli.Flags, args []string, stdin io.Reader, stdout io.Writer) error {
	write := flags.Bool("w", false, "store the object")
	kind := flags.String("t", "blob", "type of the object")
	fromStdin := flags.Bool("stdin", false, "read it from standard input")
	if err := flags.Parse(args); err != nil {
		return err
	}
	t, err := odb.ParseType(*kind)
	if err != nil {
		return cli.Usage("%v", err)
	}
	var inputs [][]byte
	if *fromStdin {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		inputs = append(inputs, data)
	}
	for _, name := range flags.Args() {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		inputs = append(inputs, data)
	}
	if len(inputs) == 0 {
		return cli.Usage("hash-object needs a file or --stdin")
	}
	for _, data := range inputs {
		id := odb.Hash(t, data)
		if *write || isDir(tutorialDir) {
			r, _, err := open()
			if err != nil {
				return err
			}
			_, err = r.Objects().Write(t, data)
			if err := r.Close(); err != nil {
				return err
			}
			if err != nil {
				return err
			}
		}
		fmt.Fprintln(stdout, id)
	}
	return nil
}

func catFile(_ context.Context, flags *cli.Flags, args []string, _ io.Reader, stdout io.Writer) error {
	pretty := flags.Bool("p", false, "print the content")
	kind := flags.Bool("t", false, "print the type")
	size := flags.Bool("s", false, "print the size")
	exists := flags.Bool("e", false, "only tell by the status whether it exists")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, tutorial, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	if flags.NArg() != 1 || !(*pretty || *kind || *size || *exists || tutorial) {
		return cli.Usage(usage)
	}
	id, err := r.Resolve(flags.Arg(0))
	if err != nil {
		return err
	}
	t, data, err := r.Objects().Read(id)
	if err != nil {
		return err
	}
	switch {
	case *exists:
		return nil
	case *kind:
		fmt.Fprintln(stdout, t)
	case *size:
		fmt.Fprintln(stdout, len(data))
	case t == odb.Tree:
		entries, err := r.Tree(id)
		if err != nil {
			return err
		}
		for _, e := range entries {
			t, _, err := r.Objects().Read(e.ID)
			if err != nil {
				t = odb.Commit // a submodule's, which is not here
			}
			fmt.Fprintf(stdout, "%06o %v %v\t%s\n", e.Mode, t, e.ID, e.Name)
		}
	default:
		_, err = stdout.Write(data)
	}
	return err
}
