// Type
//
//	go run ./examples/pool -clients 20 -size 4
//
// and see twenty clients share four connections to an echo server, in the order in
// which they came.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"

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
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *clients < 1 || *size < 1 {
		return cli.Usage("-clients and -size must be positive, and there are no arguments")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { echo(l, &wg) })
	p := pool.New(*size,
		func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) },
		func(c net.Conn) { _ = c.Close() }, // nothing is lost with it
	)
	var group sync.WaitGroup
	errs := make([]error, *clients)
	for i := range *clients {
		group.Go(func() { errs[i] = ask(ctx, p, fmt.Sprintf("client %d", i)) })
	}
	group.Wait()
	st := p.Stats()
	fmt.Fprintf(stdout, "%d clients, %d connections made, %d waits, %v waited in all\n", *clients, st.Created, st.Waited, st.WaitDuration)
	err = errors.Join(append(errs, p.Close(ctx), l.Close())...)
	wg.Wait()
	return err
}

// ask sends a line over a connection of the pool and reads it back.
func ask(ctx context.Context, p *pool.Pool[net.Conn], line string) error {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer p.Release(conn)
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return err
	}
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && got != line+"\n" {
		err = fmt.Errorf("sent %q, got %q", line, got)
	}
	return err
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
