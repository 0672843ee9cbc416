// Type
//
//	go run ./examples/loadbalancer -listen 127.0.0.1:8080 -backend http://127.0.0.1:8081 -backend http://127.0.0.1:8082
//
// and then curl http://127.0.0.1:8080/ several times: the backends take turns.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/loadbalancer"
	"github.com/groundwork-go/groundwork/loadbalancer/policy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) (err error) {
	flags := cli.NewFlags("loadbalancer", "Spreads HTTP requests over backends.", stdout)
	listen := flags.String("listen", "127.0.0.1:8080", "address to listen on")
	name := flags.String("policy", "round-robin", "round-robin or least-conn")
	path := flags.String("health-path", "/health", "path that backends are asked for")
	interval := flags.Duration("health-interval", 10*time.Second, "time between two health checks")
	var eps []loadbalancer.Endpoint
	flags.Func("backend", "URL of a backend, as http://127.0.0.1:8081; may be repeated", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" || u.Host == "" {
			return errors.New("expected http://HOST:PORT")
		}
		if u.Port() == "" {
			u.Host = net.JoinHostPort(u.Hostname(), "80")
		}
		eps = append(eps, loadbalancer.Endpoint{Addr: u.Host})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	picker := map[string]policy.Picker{"round-robin": policy.RoundRobin(), "least-conn": policy.LeastConn()}[*name]
	switch {
	case flags.NArg() > 0:
		return cli.Usage("loadbalancer takes no arguments, found %q", flags.Arg(0))
	case picker == nil:
		return cli.Usage("-policy must be round-robin or least-conn, found %q", *name)
	case len(eps) == 0:
		return cli.Usage("at least one -backend is needed")
	case *interval <= 0:
		return cli.Usage("-health-interval must be positive, found %v", *interval)
	}
	logger := slog.New(slog.NewTextHandler(stdout, nil))
	p, err := loadbalancer.NewPool("backends", eps, &loadbalancer.PoolOptions{
		Picker: picker, Logger: logger,
		HealthCheck: &loadbalancer.HealthCheck{Path: *path, Interval: *interval, Fall: 1},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	s, err := loadbalancer.New(&loadbalancer.Options{Logger: logger, Config: loadbalancer.Config{
		Routes: []loadbalancer.Route{{Handler: p.Handler(&loadbalancer.HandlerOptions{Logger: logger})}},
	}})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(s.Shutdown(end), s.Close())
}
