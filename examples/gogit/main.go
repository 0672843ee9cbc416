// Type
//
//	go run ./examples/gogit init
//	go run ./examples/gogit hash-object -w FILE
//	go run ./examples/gogit cat-file -p HASH
//
// or clone, ls-remote, log. In a folder .gogit it speaks as the tutorial's did.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/gogit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

const usage = "usage: gogit init [--bare] [DIR] | hash-object [-w] [-t TYPE] [--stdin] FILE... | cat-file [-p|-t|-s|-e] OBJECT | log [REV] | clone URL [DIR] | ls-remote URL"

// tutorialDir marks a repository in which the tutorial's own output is expected.
const tutorialDir = ".gogit"

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return cli.Usage(usage)
	}
	flags := cli.NewFlags("gogit "+args[0], usage, stdout)
	verbs := map[string]func(context.Context, *cli.Flags, []string, io.Reader, io.Writer) error{
		"init": initRepo, "hash-object": hashObject, "cat-file": catFile, "log": logRepo, "clone": clone, "ls-remote": lsRemote,
	}
	verb := verbs[args[0]]
	if verb == nil {
		if strings.HasPrefix(args[0], "-") {
			return flags.Parse(args)
		}
		return cli.Usage("gogit: %q is not a command; %s", args[0], usage)
	}
	return verb(ctx, flags, args[1:], stdin, stdout)
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// open opens the repository around the current folder.
func open() (r *gogit.Repository, tutorial bool, err error) {
	if isDir(tutorialDir) {
		r, err = gogit.Open(".", &gogit.OpenOptions{DirName: tutorialDir})
		return r, true, err
	}
	r, err = gogit.Open(".", &gogit.OpenOptions{Discover: true})
	return r, false, err
}

func initRepo(_ context.Context, flags *cli.Flags, args []string, _ io.Reader, stdout io.Writer) error {
	bare := flags.Bool("bare", false, "make the folder itself the repository")
	name := flags.String("dir-name", "", "folder of the repository, as .gogit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir := "."
	if flags.NArg() > 0 {
		dir = flags.Arg(0)
	}
	r, err := gogit.Init(dir, &gogit.InitOptions{Bare: *bare, DirName: *name})
	if err != nil {
		return err
	}
	defer r.Close()
	if *name == tutorialDir {
		fmt.Fprintln(stdout, "Initialized empty gogit repository")
		return nil
	}
	where, err := filepath.Abs(r.Dir())
	fmt.Fprintf(stdout, "Initialized empty Git repository in %s/\n", where)
	return err
}
