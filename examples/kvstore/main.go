// Type
//
//	go run ./examples/kvstore --port 6379 --text-port 6380 --dir data
//
// then redis-cli, or: printf 'SET name sean\nGET name\n' | nc localhost 6380
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) (err error) {
	flags := cli.NewFlags("kvstore", "A Redis-compatible store.", stdout)
	host := flags.String("bind", "127.0.0.1", "address to listen on")
	port := flags.Int("port", 6379, "port for Redis clients; 0 takes a free one")
	textPort := flags.Int("text-port", -1, "port for the line protocol; 0 takes a free one, -1 none")
	dir := flags.String("dir", ".", "folder for the log")
	appendOnly := flags.String("appendonly", "yes", "keep data on disk: yes or no")
	fsync := flags.String("appendfsync", "everysec", "when writes reach the disk: always, everysec or no")
	if err := flags.Parse(args); err != nil {
		return err
	}
	policy, ok := map[string]kvstore.Fsync{"always": kvstore.FsyncAlways, "everysec": kvstore.FsyncEverySec, "no": kvstore.FsyncNo}[*fsync]
	switch {
	case flags.NArg() > 0:
		return cli.Usage("kvstore takes no arguments, found %q", flags.Arg(0))
	case !ok:
		return cli.Usage("--appendfsync must be always, everysec or no, found %q", *fsync)
	case *appendOnly == "no":
		*dir = ""
	case *appendOnly != "yes":
		return cli.Usage("--appendonly must be yes or no, found %q", *appendOnly)
	}
	db, err := kvstore.Open(*dir, &kvstore.Options{Fsync: policy})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := server.New(db, nil)
	defer func() { err = errors.Join(err, s.Close()) }()
	served := make(chan error, 2)
	listen := func(port int, what string, serve func(net.Listener) error) error {
		l, err := net.Listen("tcp", net.JoinHostPort(*host, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s on %s\n", what, l.Addr())
		go func() { served <- serve(l) }()
		return nil
	}
	if err := listen(*port, "redis protocol", s.Serve); err != nil {
		return err
	}
	if *textPort >= 0 {
		if err := listen(*textPort, "text protocol", s.ServeText); err != nil {
			return err
		}
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Shutdown(end)
}
