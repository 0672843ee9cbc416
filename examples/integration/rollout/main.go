// Type
//
//	go run ./examples/integration/rollout
//
// and look for two figures: the time from git push to the first answer of the new
// version, and the requests that failed during ten deploys under load. It needs git.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/examples/internal/cli"
	"github.com/groundwork-go/groundwork/examples/internal/platform"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

const (
	deploys = 10
	rate    = 100 // requests in a second
)

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("rollout", "Measures deploys of a static site under load.", stdout)
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rollout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := platform.New(filepath.Join(dir, "data"), nil)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = p.Serve(l) }() // it ends with Shutdown
	defer p.Shutdown(context.Background())
	s := &site{work: filepath.Join(dir, "work"), addr: l.Addr().String()}
	if err := os.Mkdir(s.work, 0o755); err != nil {
		return err
	}
	if err := s.git(ctx, "init", "-q", "-b", "main"); err != nil {
		return err
	}
	if _, err := s.deploy(ctx, "version 0"); err != nil {
		return err
	}
	loadCtx, stopLoad := context.WithCancel(ctx)
	var load sync.WaitGroup
	load.Go(func() { s.load(loadCtx) })
	var times []time.Duration
	for i := range deploys {
		d, err := s.deploy(ctx, fmt.Sprint("version ", i+1))
		if err != nil {
			stopLoad()
			return err
		}
		times = append(times, d)
		// Requests also come while nothing is deployed.
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	stopLoad()
	load.Wait()
	slices.Sort(times)
	fmt.Fprintf(stdout, "git push to first answer of the new version: median %v, longest %v, of %d\n", times[deploys/2].Round(time.Millisecond), times[deploys-1].Round(time.Millisecond), deploys)
	fmt.Fprintf(stdout, "requests during %d deploys: %d sent at %d/s, %d failed\n", deploys, s.sent.Load(), rate, s.failed.Load())
	if s.failed.Load() > 0 {
		return cli.StatusError(1)
	}
	return nil
}

type site struct {
	work, addr   string
	sent, failed atomic.Int64
}

func (s *site) git(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=rollout", "-c", "user.email=rollout@localhost"}, args...)...)
	cmd.Dir = s.work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// deploy pushes a change of one file and returns the time until it is answered.
func (s *site) deploy(ctx context.Context, text string) (time.Duration, error) {
	if err := os.WriteFile(filepath.Join(s.work, "index.html"), []byte(text), 0o644); err != nil {
		return 0, err
	}
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-qm", text}} {
		if err := s.git(ctx, args...); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	if err := s.git(ctx, "push", "-q", "http://"+s.addr+"/git/site.git", "main"); err != nil {
		return 0, err
	}
	for {
		body, err := s.get(ctx)
		if err != nil {
			return 0, err
		}
		if strings.Contains(body, text) {
			return time.Since(start), nil
		}
	}
}

func (s *site) get(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/", nil)
	if err != nil {
		return "", err
	}
	req.Host = "site.localhost"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", res.Status)
	}
	return string(body), err
}

// load sends requests at a steady rate until ctx ends.
func (s *site) load(ctx context.Context) {
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		wg.Go(func() {
			s.sent.Add(1)
			if _, err := s.get(context.WithoutCancel(ctx)); err != nil {
				s.failed.Add(1)
			}
		})
	}
}
