package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/gogit"
)

func logRepo(ctx context.Context, flags *cli.Flags, args []string, _ io.Reader, stdout io.Writer) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, _, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	rev := "HEAD"
	if flags.NArg() > 0 {
		rev = flags.Arg(0)
	}
	id, err := r.Resolve(rev)
	if err != nil {
		return err
	}
	first := true
	for c, err := range r.Log(ctx, &gogit.LogOptions{From: []gogit.OID{id}}) {
		if err != nil {
			return err
		}
		if !first {
			fmt.Fprintln(stdout)
		}
		first = false
		fmt.Fprintf(stdout, "commit %v\n", c.ID)
		if len(c.Parents) > 1 {
			short := make([]string, len(c.Parents))
			for i, p := range c.Parents {
				short[i] = p.String()[:7]
			}
			fmt.Fprintf(stdout, "Merge: %s\n", strings.Join(short, " "))
		}
		fmt.Fprintf(stdout, "Author: %s <%s>\nDate:   %s\n\n", c.Author.Name, c.Author.Email, c.Author.When.Format("Mon Jan 2 15:04:05 2006 -0700"))
		for line := range strings.SplitSeq(strings.TrimRight(c.Message, "\n"), "\n") {
			fmt.Fprintf(stdout, "    %s\n", line)
		}
	}
	return nil
}
