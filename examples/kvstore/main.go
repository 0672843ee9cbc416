// Type
//
//	go run ./examples/kvstore --port 6379 --text-port 6380
//
// and talk to it with redis-cli, or with nc on port 6380: SET name sean, GET name.
// Options are Redis's, on the command line or in a file like redis.conf, whose name
// comes first; - reads standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

const help = `kvstore: a Redis-compatible store.

  kvstore [FILE | -] [--OPTION VALUE...]...

Options are those of Redis 7.0; a FILE, or standard input, has one a line without
the dashes. Not Redis's is --text-port: a port for SET key value, GET key, DEL key.
Ports: 0 is none, -1 one that is free. With --appendonly no, a snapshot is read at the
start and written as --save says and at the end; --save '' writes it only
when SAVE or BGSAVE is sent.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) (err error) {
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		fmt.Fprint(stdout, help)
		return flag.ErrHelp
	}
	c, err := parseConfig(args, stdin)
	if err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	if c.daemonize {
		return startDaemon(append(args, "--daemonize", "no", "--pidfile", c.pidFile))
	}
	c.o.NoLog = !c.appendOnly
	if c.logFile == "" {
		return c.serve(ctx, stdout)
	}
	name := c.logFile
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.dir, name)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err = c.serve(ctx, f); err != nil {
		c.o.Logger.Error(err.Error()) // nobody may read what a daemon prints
	}
	return err
}

// serve opens the store and serves it, at first while it is being loaded, until ctx or a
// client ends that.
func (c *config) serve(ctx context.Context, stdout io.Writer) (err error) {
	c.o.LogLevel = new(slog.LevelVar)
	c.o.Logger = newLogger(stdout, c.o.LogLevel)
	c.o.LoadInBackground = true // those who ask meanwhile are told how far it is
	db, err := kvstore.Open(c.dir, &c.o)
	if err != nil {
		return err
	}
	var loading sync.WaitGroup
	defer loading.Wait() // which Close ends
	defer func() { err = errors.Join(err, db.Close()) }()
	asked, shutdown := context.WithCancel(context.Background()) // by a client
	defer shutdown()
	s := server.New(db, &server.Options{Logger: c.o.Logger, Shutdown: func(kvstore.ShutdownOptions) { shutdown() }})
	defer func() { err = errors.Join(err, s.Close()) }()
	served := make(chan error, 8)
	if err := c.listen(s, served, stdout); err != nil {
		c.o.Logger.Error(fmt.Sprintf("Failed listening on port %d, aborting.", c.port)) // what programs that start servers look for
		return err
	}
	if c.pidFile != "" {
		if err := writePID(c.pidFile); err != nil {
			c.o.Logger.Warn("the file of the process's number cannot be written", "error", err)
		}
		defer func() { _ = os.Remove(c.pidFile) }() // it may not be there
	}
	failed := make(chan error, 1)
	loading.Go(func() {
		err := db.WaitLoaded(context.Background())
		if err == nil {
			err = c.announce()
		}
		if err != nil {
			failed <- err
		}
	})
	select {
	case err := <-failed:
		return err
	case err := <-served:
		return err
	case <-asked.Done():
	case <-ctx.Done():
		c.saveOrStay(db, asked)
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = s.Shutdown(end)
	c.o.Logger.Info("ready to exit, bye bye")
	return err
}

// announce tells others that everything is loaded.
func (c *config) announce() error {
	if c.supervised == "systemd" || c.supervised == "auto" {
		if err := ready(os.Getenv("NOTIFY_SOCKET")); err != nil {
			return err
		}
	}
	c.o.Logger.Info("Ready to accept connections")
	return nil
}

// saveOrStay returns when the data are safe; after a failure it tries again at the next
// signal, or lets a client decide by SHUTDOWN.
func (c *config) saveOrStay(db *kvstore.DB, asked context.Context) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	for db.PrepareShutdown(kvstore.ShutdownOptions{}) != nil {
		c.o.Logger.Error("Error trying to save the DB, can't exit")
		select {
		case <-again:
		case <-asked.Done():
			return
		}
	}
}
