package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/gosh"
)

// A Spec is what a Runner is to start.
type Spec struct {
	App     string
	Release int
	Kind    Kind
	Dir     string   // the release's files
	Command string   // a line of shell, for KindProcess
	Env     []string // NAME=value; the runner adds PORT
	Output  io.Writer
}

// A Runner starts instances of apps.
type Runner interface {
	// Start starts an instance and returns without waiting for it to listen. When
	// ctx ends later, the instance goes on.
	Start(ctx context.Context, s Spec) (Instance, error)
}

// An Instance is a running version of an app.
type Instance interface {
	// Addr is where it will listen, host:port.
	Addr() string
	// Done is closed when it has ended.
	Done() <-chan struct{}
	// Err tells why it ended; nil as long as it runs.
	Err() error
	// Stop ends it: politely, and by force when ctx ends. It returns when nothing
	// of it is left.
	Stop(ctx context.Context)
}

// A Scheduler decides where instances run.
type Scheduler interface {
	// Place starts an instance for each spec, all or none.
	Place(ctx context.Context, specs []Spec) ([]Instance, error)
}

// localScheduler runs everything here.
type localScheduler struct {
	runner Runner
	grace  time.Duration
}

func (l localScheduler) Place(ctx context.Context, specs []Spec) ([]Instance, error) {
	var started []Instance
	for _, s := range specs {
		in, err := l.runner.Start(ctx, s)
		if err != nil {
			stopAll(started, l.grace)
			return nil, err
		}
		started = append(started, in)
	}
	return started, nil
}

// stopAll stops instances side by side.
func stopAll(list []Instance, grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	done := make(chan struct{}, len(list))
	for _, in := range list {
		go func() {
			in.Stop(ctx)
			done <- struct{}{}
		}()
	}
	for range list {
		<-done
	}
}

// freePort finds a port that nobody listens on at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// hostEnv is what apps and builds see of the platform's environment.
func hostEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// StaticRunner serves the files of a release from this process.
type StaticRunner struct{}

type staticInstance struct {
	srv  *http.Server
	addr string
	done chan struct{}
	err  error // set before done is closed
}

// Start serves s.Dir on a free port. Files whose names begin with a dot are not
// served.
func (StaticRunner) Start(_ context.Context, s Spec) (Instance, error) {
	root, err := os.OpenRoot(s.Dir) // links cannot lead out of it
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = root.Close() // the first error counts
		return nil, err
	}
	files := http.FileServerFS(root.FS())
	in := &staticInstance{addr: l.Addr().String(), done: make(chan struct{})}
	in.srv = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, part := range strings.Split(r.URL.Path, "/") {
			if strings.HasPrefix(part, ".") {
				http.NotFound(w, r)
				return
			}
		}
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})}
	go func() {
		defer close(in.done)
		in.err = in.srv.Serve(l)
		_ = root.Close() // only read
	}()
	return in, nil
}

func (in *staticInstance) Addr() string          { return in.addr }
func (in *staticInstance) Done() <-chan struct{} { return in.done }

func (in *staticInstance) Err() error {
	select {
	case <-in.done:
		return in.err
	default:
		return nil
	}
}

func (in *staticInstance) Stop(ctx context.Context) {
	if in.srv.Shutdown(ctx) != nil {
		_ = in.srv.Close() // whatever is left of it ends
	}
	<-in.done
}

// ProcessRunner runs the command as an ordinary process of this user, without walls
// around it.
type ProcessRunner struct{}

type processInstance struct {
	addr   string
	cancel context.CancelFunc // kills
	term   chan struct{}      // closed to ask politely
	asked  bool
	done   chan struct{}
	err    error // set before done is closed
}

// Start runs s.Command with gosh. The processes that it starts get a process group
// each, so that all they start can be ended, and die with the platform.
func (ProcessRunner) Start(_ context.Context, s Spec) (Instance, error) {
	return startCommand(s, runUntilTold)
}

// execFunc runs one external command of an instance; when term is closed it asks the
// command to end.
type execFunc func(ctx context.Context, c *gosh.Cmd, term <-chan struct{}) error

// startCommand runs a Procfile command in a shell of ours.
func startCommand(s Spec, run execFunc) (Instance, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	in := &processInstance{addr: addr, cancel: cancel, term: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(in.done)
		defer cancel()
		in.err = gosh.Run(ctx, s.Command, &gosh.Options{
			Name: s.App, Dir: s.Dir, Env: append(s.Env, "PORT="+port), Stdout: s.Output, Stderr: s.Output,
			Exec: func(ctx context.Context, c *gosh.Cmd) error { return run(ctx, c, in.term) },
		})
		if in.err == nil {
			in.err = errors.New("the command ended")
		}
	}()
	return in, nil
}

func (in *processInstance) Addr() string          { return in.addr }
func (in *processInstance) Done() <-chan struct{} { return in.done }

func (in *processInstance) Err() error {
	select {
	case <-in.done:
		return in.err
	default:
		return nil
	}
}

// Stop is called once at a time.
func (in *processInstance) Stop(ctx context.Context) {
	if !in.asked {
		in.asked = true
		close(in.term)
	}
	select {
	case <-in.done:
	case <-ctx.Done():
		in.cancel()
		<-in.done
	}
}

// waitHealthy returns when an instance answers, or tells why it never will.
func waitHealthy(ctx context.Context, in Instance, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	delay := 2 * time.Millisecond
	last := errors.New("nothing listens on $PORT")
	for {
		select {
		case <-in.Done():
			return fmt.Errorf("it ended before it answered: %w", in.Err())
		case <-ctx.Done():
			return fmt.Errorf("it did not become healthy within %v: %w", timeout, last)
		case <-time.After(delay):
		}
		delay = min(delay*2, 200*time.Millisecond)
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", in.Addr())
		if err != nil {
			continue
		}
		_ = conn.Close() // it listens, that was the question
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.Addr()+"/", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			last = err
			continue
		}
		_ = res.Body.Close() // only the status counts
		if res.StatusCode < 500 {
			return nil
		}
		last = fmt.Errorf("GET / answers %s", res.Status)
	}
}

// releaseDir is where the files of a release are.
func (p *Platform) releaseDir(app string, n int) string {
	return filepath.Join(p.dir, "releases", app, strconv.Itoa(n))
}
