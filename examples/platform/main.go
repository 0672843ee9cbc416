// Type
//
//	go run ./examples/platform
//
// and look for the address, the URL of a first app, and two commands to paste. Then
// change the app, git push, and reload. Ctrl-C ends everything.
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
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/examples/internal/platform"
	"github.com/groundwork-go/groundwork/gogit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

const defaultAddr = "127.0.0.1:8080"

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("platform", "Deploys what is pushed to it.", stdout)
	addr := flags.String("addr", defaultAddr, "address to listen on")
	dir := flags.String("data", "", "folder for apps and state (default: groundwork below XDG_DATA_HOME or ~/.local/share)")
	demo := flags.Bool("demo", true, "push a sample app if there is none")
	token := flags.String("token", "", "password that every request needs")
	verbose := flags.Bool("v", false, "say what happens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return cli.Usage("platform takes no arguments, found %q", flags.Arg(0))
	}
	folder, err := dataDir(*dir)
	if err != nil {
		return err
	}
	l, err := listen(*addr, *token, flags)
	if err != nil {
		return err
	}
	o := &platform.Options{Token: *token}
	if *verbose {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if err := platform.Walls(ctx); err == nil {
		o.Runner, o.Builder = platform.ContainerRunner{}, platform.ContainerBuilder{}
	} else {
		fmt.Fprintln(stdout, "warning: apps run as plain processes, without walls of files, processes and users around them:", err)
	}
	p, err := platform.New(folder, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	if *demo && len(slices.Collect(p.Apps())) == 0 {
		if err := pushDemo(ctx, l.Addr().String(), *token, stdout); err != nil && ctx.Err() == nil {
			fmt.Fprintln(stdout, "the sample app was not deployed:", err)
		}
	}
	show(p, l.Addr().String(), stdout)
	select {
	case <-ctx.Done():
	case err := <-served:
		return errors.Join(err, p.Shutdown(context.Background()))
	}
	// Two seconds for requests and two for apps: within five all is over.
	end, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func dataDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "groundwork"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the data, use -data: %w", err)
	}
	return filepath.Join(home, ".local", "share", "groundwork"), nil
}

// listen refuses addresses that others can reach without a token. If nobody chose
// the port and it is taken, a free one does.
func listen(addr, token string, flags *cli.Flags) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, cli.Usage("-addr %s: %v", addr, err)
	}
	ip := net.ParseIP(host)
	if token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, cli.Usage("-addr %s can be reached by others: set a -token", addr)
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) && !flags.IsSet("addr") {
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	return l, err
}

// pushDemo pushes the sample to this very platform over HTTP.
func pushDemo(ctx context.Context, addr, token string, stdout io.Writer) error {
	_, err := exec.LookPath("go")
	u := url.URL{Scheme: "http", Host: addr, Path: "/git/hello.git"}
	if token != "" {
		u.User = url.UserPassword("groundwork", token)
	}
	fmt.Fprintln(stdout, "pushing a sample app to", u.Redacted())
	return platform.PushFiles(ctx, u.String(), platform.Sample(err == nil), &gogit.RemoteOptions{Progress: cli.Prefix(stdout, "remote: ")})
}

func show(p *platform.Platform, addr string, stdout io.Writer) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return // it is our own listener's
	}
	for app := range p.Apps() {
		fmt.Fprintf(stdout, "%s: http://%s.localhost:%s/\n", app.Name, app.Name, port)
	}
	for app := range p.Apps() {
		fmt.Fprintf(stdout, "\n  curl http://%s.localhost:%s/\n  git clone http://%s/git/%s.git\n", app.Name, port, addr, app.Name)
		break
	}
}
