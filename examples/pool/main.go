// Type
//
//	go run ./examples/pool -clients 20 -size 4
//
// and see twenty clients share four connections to an echo server, in the order in
// which they came: while they do, a dump of the pool shows every 250 ms who holds
// a connection, for how long, and how many wait.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/pool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("pool", "Clients share connections to an echo server.", stdout)
	clients := flags.Int("clients", 20, "number of clients")
	size := flags.Int("size", 4, "number of connections")
	requests := flags.Int("requests", 10, "requests of each client")
	hold := flags.Duration("hold", 20*time.Millisecond, "how long a client keeps its connection")
	every := flags.Duration("every", 250*time.Millisecond, "interval of the dumps")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *clients < 1 || *size < 1 || *requests < 1 || *hold < 0 || *every <= 0 {
		return cli.Usage("-clients, -size, -requests and -every must be positive, -hold not negative, and there are no arguments")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var server sync.WaitGroup
	server.Go(func() { echo(l, &server) })
	var d net.Dialer
	p, err := pool.Open(&pool.Options[net.Conn]{
		MaxSize: *size,
		New:     func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", l.Addr().String()) },
		Destroy: func(c net.Conn) { _ = c.Close() }, // nothing is lost with it
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	errs := make(chan error, *clients)
	for i := range *clients {
		go func() { errs <- talk(ctx, p, fmt.Sprintf("client %d", i), *requests, *hold) }()
	}
	err = watch(p, errs, *clients, *every, stdout)
	st := p.Stats()
	fmt.Fprintf(stdout, "%d clients, %d connections made, %d waits, %v waited in all\n", *clients, st.Created, st.Waited, st.WaitDuration)
	err = errors.Join(err, p.Close(ctx), l.Close())
	server.Wait()
	return err
}

// watch writes dumps until n clients have ended, and returns their errors.
func watch(p *pool.Pool[net.Conn], ended <-chan error, n int, every time.Duration, stdout io.Writer) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var errs []error
	for len(errs) < n {
		select {
		case err := <-ended:
			errs = append(errs, err)
		case <-tick.C:
			var dump bytes.Buffer
			_ = p.WriteDump(&dump) // a Buffer takes everything
			fmt.Fprintf(stdout, "%s\n", &dump)
		}
	}
	return errors.Join(errs...)
}

// talk sends lines over connections of the pool.
func talk(ctx context.Context, p *pool.Pool[net.Conn], name string, requests int, hold time.Duration) error {
	for i := range requests {
		if err := ask(ctx, p, fmt.Sprintf("%s, request %d", name, i), hold); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// ask sends a line and reads it back.
func ask(ctx context.Context, p *pool.Pool[net.Conn], line string, hold time.Duration) error {
	return p.Do(ctx, func(conn net.Conn) error {
		if _, err := fmt.Fprintln(conn, line); err != nil {
			return err
		}
		got, err := bufio.NewReader(conn).ReadString('\n')
		if err == nil && got != line+"\n" {
			err = fmt.Errorf("sent %q, got %q", line, got)
		}
		time.Sleep(hold) // as if there were work to do with the answer
		return err
	})
}

// echo answers until the listener is closed.
func echo(l net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer c.Close()
			_, _ = io.Copy(c, c) // ends when the client does
		})
	}
}
