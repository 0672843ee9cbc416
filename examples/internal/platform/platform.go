package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/server"
	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/loadbalancer"
	"github.com/groundwork-go/groundwork/pool"
)

var (
	// ErrUnknownApp is wrapped by errors about an app that does not exist.
	ErrUnknownApp = errors.New("platform: unknown app")

	// ErrUnknownRelease is wrapped by errors about a release that does not exist.
	ErrUnknownRelease = errors.New("platform: unknown release")

	// ErrClosed is returned after Shutdown.
	ErrClosed = errors.New("platform: shut down")
)

// Options tune a Platform. A nil *Options means the defaults.
type Options struct {
	// Domain is the name below which apps have theirs: APP.Domain. Empty means
	// "localhost".
	Domain string

	// Token, if not empty, is asked of every request, as the password of basic
	// authentication or as a bearer token.
	Token string

	// Runner starts processes. Nil means plain processes.
	Runner Runner

	// Builder runs the external commands of builds. Nil means plain processes.
	Builder Builder

	// BuildSlots bounds the builds at one time. Zero means 2.
	BuildSlots int

	// BuildTimeout bounds one build. Zero means 10 minutes.
	BuildTimeout time.Duration

	// HealthTimeout bounds the time until a new instance answers. Zero means 30 s.
	HealthTimeout time.Duration

	// DrainTimeout bounds the time that requests to an old instance may take once
	// new ones go elsewhere. Zero means 10 s.
	DrainTimeout time.Duration

	// StopTimeout bounds the time between asking an instance to end and killing
	// it. Zero means 2 s.
	StopTimeout time.Duration

	// Logger is told what happens. Nil: silent.
	Logger *slog.Logger
}

// A Platform is a running platform. All methods may be called concurrently.
type Platform struct {
	dir    string
	o      Options
	logger *slog.Logger

	db     *kvstore.DB
	state  State
	sched  Scheduler
	static Scheduler
	slots  *pool.Pool[int]
	heap   *alloc.Heap
	front  *loadbalancer.Server
	ctx    context.Context // of supervision; ends with Shutdown
	cancel context.CancelFunc
	wg     sync.WaitGroup // supervisors

	mu     sync.Mutex
	apps   map[string]*app // guarded by mu
	closed bool            // guarded by mu
}

// app is the running side of an app.
type app struct {
	name string
	lb   *loadbalancer.Pool

	// deploy is held by whoever changes what runs; a channel, so that waiting for
	// it can be cancelled.
	deploy chan struct{}

	mu      sync.Mutex
	running []*running // guarded by mu
	release int        // guarded by mu
}

// running is an instance with its log and its supervisor.
type running struct {
	Instance
	spec Spec
	log  *logRing      // nil if it was never started
	stop chan struct{} // closed when its end is wanted

	idler *loadbalancer.Idler // guarded by app.mu; waits for its requests
}

// New opens the platform in a folder, which is made if it does not exist, and
// starts the apps that it holds. An app that does not start is told to the logger
// and tried again.
func New(dir string, o *Options) (*Platform, error) {
	p := &Platform{apps: make(map[string]*app)}
	if o != nil {
		p.o = *o
	}
	p.setDefaults()
	var err error
	if p.dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("platform: %w", err)
	}
	for _, d := range []string{"git", "releases"} {
		if err := os.MkdirAll(filepath.Join(p.dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("platform: %w", err)
		}
	}
	if p.db, err = kvstore.Open(filepath.Join(p.dir, "state"), &kvstore.Options{Fsync: kvstore.FsyncAlways, Logger: p.logger}); err != nil {
		return nil, fmt.Errorf("platform: %w", err)
	}
	p.state = kvState{p.db}
	if err = p.breakLocks(); err == nil {
		p.heap, err = alloc.NewHeap(nil)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("platform: %w", err), p.db.Close())
	}
	slot := 0
	p.slots = pool.New(p.o.BuildSlots, func() (int, error) { slot++; return slot, nil }, nil)
	p.sched = localScheduler{p.o.Runner, p.o.StopTimeout}
	p.static = localScheduler{StaticRunner{}, p.o.StopTimeout}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if p.front, err = loadbalancer.New(&loadbalancer.Options{Logger: p.logger}); err != nil {
		return nil, fmt.Errorf("platform: %w", err)
	}
	if err := p.restore(); err != nil {
		return nil, errors.Join(err, p.Shutdown(context.Background()))
	}
	return p, nil
}

func (p *Platform) setDefaults() {
	o := &p.o
	if o.Domain == "" {
		o.Domain = "localhost"
	}
	if o.Runner == nil {
		o.Runner = ProcessRunner{}
	}
	if o.Builder == nil {
		o.Builder = ProcessBuilder{}
	}
	if o.BuildSlots == 0 {
		o.BuildSlots = 2
	}
	for field, value := range map[*time.Duration]time.Duration{
		&o.BuildTimeout: 10 * time.Minute, &o.HealthTimeout: 30 * time.Second, &o.DrainTimeout: 10 * time.Second, &o.StopTimeout: 2 * time.Second,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if p.logger = o.Logger; p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
}

// restore cleans up after a crash and starts the recorded releases.
func (p *Platform) restore() error {
	quarantines, err := filepath.Glob(filepath.Join(p.dir, "git", "*", "objects", "incoming-*"))
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	for _, q := range quarantines {
		if err := os.RemoveAll(q); err != nil {
			return fmt.Errorf("platform: %w", err)
		}
	}
	var wg sync.WaitGroup
	for key := range p.state.List(p.ctx, appKey("")) {
		rec, _, err := load[App](p.ctx, p.state, key)
		if err != nil {
			return err
		}
		a, err := p.app(rec.Name)
		if err != nil {
			return err
		}
		p.prune(rec)
		if rec.Current == 0 {
			continue
		}
		wg.Go(func() {
			if err := p.resume(a, rec); err != nil {
				p.logger.Error("app does not start", "app", rec.Name, "release", rec.Current, "error", err)
			}
		})
	}
	wg.Wait()
	return p.removeOrphans()
}

// removeOrphans removes the files of apps that were never deployed.
func (p *Platform) removeOrphans() error {
	entries, err := os.ReadDir(filepath.Join(p.dir, "releases"))
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	for _, e := range entries {
		_, rev, err := p.state.Get(p.ctx, appKey(e.Name()))
		if err == nil && rev == 0 {
			err = os.RemoveAll(filepath.Join(p.dir, "releases", e.Name()))
		}
		if err != nil {
			return fmt.Errorf("platform: %w", err)
		}
	}
	return nil
}

// resume starts the current release of an app after a restart of the platform.
func (p *Platform) resume(a *app, rec App) error {
	rel, rev, err := load[Release](p.ctx, p.state, releaseKey(rec.Name, rec.Current))
	if err != nil {
		return err
	}
	if rev == 0 {
		return fmt.Errorf("%w: %s %d", ErrUnknownRelease, rec.Name, rec.Current)
	}
	list, err := p.launch(p.ctx, rel, rec.Scale)
	if err != nil {
		// It was healthy once: keep trying.
		p.supervise(a, p.doomed(rel), time.Second)
		return err
	}
	p.swap(a, rel.N, list)
	return nil
}

// app returns the running side of an app, made if need be.
func (p *Platform) app(name string) (*app, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if a := p.apps[name]; a != nil {
		return a, nil
	}
	lb, err := loadbalancer.NewPool(name, nil, &loadbalancer.PoolOptions{Logger: p.logger})
	if err != nil {
		return nil, err
	}
	a := &app{name: name, lb: lb, deploy: make(chan struct{}, 1)}
	p.apps[name] = a
	return a, p.route()
}

// route gives each app its host. Called with mu held.
func (p *Platform) route() error {
	routes := []loadbalancer.Route{{Handler: p.guard(p.own())}}
	for name, a := range p.apps {
		routes = append(routes, loadbalancer.Route{Host: name + "." + p.o.Domain, Handler: p.guard(a.lb.Handler(&loadbalancer.HandlerOptions{Logger: p.logger}))})
	}
	return p.front.Reload(&loadbalancer.Config{Routes: routes})
}

// lock waits for the right to change what runs.
func (a *app) lock(ctx context.Context) error {
	select {
	case a.deploy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *app) unlock() { <-a.deploy }

// Apps yields what is known of each app, in the order of their names.
func (p *Platform) Apps() iter.Seq[App] {
	return func(yield func(App) bool) {
		for key := range p.state.List(p.ctx, appKey("")) {
			rec, rev, err := load[App](p.ctx, p.state, key)
			if err == nil && rev > 0 && !yield(rec) {
				return
			}
		}
	}
}

// Releases returns the releases of an app, oldest first.
func (p *Platform) Releases(ctx context.Context, name string) ([]Release, error) {
	rec, _, err := load[App](ctx, p.state, appKey(name))
	if err != nil {
		return nil, err
	}
	var list []Release
	for key := range p.state.List(ctx, "release/"+name+"/") {
		rel, _, err := load[Release](ctx, p.state, key)
		if err != nil {
			return nil, err
		}
		// A crash between the two steps of record leaves one that never came to be.
		if rel.N <= rec.Last {
			list = append(list, rel)
		}
	}
	return list, nil
}

// Logs returns the last output of an app's instances, each up to 64 KiB.
func (p *Platform) Logs(name string) ([]byte, error) {
	p.mu.Lock()
	a := p.apps[name]
	p.mu.Unlock()
	if a == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownApp, name)
	}
	var out []byte
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.running {
		out = append(out, r.log.tail(logSize)...)
	}
	return out, nil
}

// ReleaseLog returns the end of what the instances of a release wrote before they
// ended, also of one that was refused.
func (p *Platform) ReleaseLog(name string, n int) ([]byte, error) {
	text, err := p.db.Get(logKey(name, n))
	if errors.Is(err, kvstore.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s %d has no log", ErrUnknownRelease, name, n)
	}
	return text, err
}

// repoDir is where the repository of an app is.
func (p *Platform) repoDir(name string) string { return filepath.Join(p.dir, "git", name+".git") }

// breakLocks removes the locks of refs in all repositories, which a platform that was
// killed has left: the state's own lock, which is held, says that there is no other.
func (p *Platform) breakLocks() error {
	return filepath.WalkDir(filepath.Join(p.dir, "git"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "objects":
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".lock":
			return nil
		}
		p.logger.Warn("a lock is removed that a killed platform has left", "file", path)
		return os.Remove(path)
	})
}

// openRepo opens the repository of an app.
func (p *Platform) openRepo(name string, create bool) (*gogit.Repository, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir := p.repoDir(name)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) && !create {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnknownApp, name, os.ErrNotExist)
	}
	return gogit.Init(dir, &gogit.InitOptions{Bare: true})
}

// Serve accepts connections on l until Shutdown. It always returns an error,
// [ErrClosed] after Shutdown.
func (p *Platform) Serve(l net.Listener) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		_ = l.Close() // it was never used
		return ErrClosed
	}
	err := p.route()
	p.mu.Unlock()
	if err != nil {
		return err
	}
	err = p.front.Serve(l)
	if errors.Is(err, loadbalancer.ErrServerClosed) {
		return ErrClosed
	}
	return err
}

// Shutdown stops accepting, lets requests finish until ctx ends, and stops all apps.
// When it returns, no process of theirs is left. It may be called twice.
func (p *Platform) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	apps := make([]*app, 0, len(p.apps))
	for _, a := range p.apps {
		apps = append(apps, a)
	}
	p.mu.Unlock()
	err := p.front.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, p.front.Close())
	}
	p.cancel()
	var all []*running
	for _, a := range apps {
		_ = a.lock(context.Background()) // cancelled deploys end soon; kept for ever
		a.mu.Lock()
		all = append(all, a.running...)
		a.running = nil
		a.mu.Unlock()
	}
	p.retire(all)
	p.wg.Wait()
	for _, a := range apps {
		err = errors.Join(err, a.lb.Close())
	}
	return errors.Join(err, p.slots.Close(ctx), p.db.Close(), p.heap.Close())
}

// guard asks for the token.
func (p *Platform) guard(next http.Handler) http.Handler {
	if p.o.Token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if !tokenEqual(password, p.o.Token) && !tokenEqual(r.Header.Get("Authorization"), "Bearer "+p.o.Token) {
			w.Header().Set("WWW-Authenticate", `Basic realm="groundwork"`)
			http.Error(w, "the token is needed, as the password", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// own is what the platform serves itself: git and a page.
func (p *Platform) own() http.Handler {
	git := server.NewHandler(backend{p}, &server.Options{PreReceive: p.preReceive, Logger: p.logger})
	mux := http.NewServeMux()
	mux.Handle("/git/", http.StripPrefix("/git", p.receive(git)))
	mux.HandleFunc("GET /{$}", p.page)
	mux.HandleFunc("GET /apps/{app}/logs", func(w http.ResponseWriter, r *http.Request) {
		text, err := p.Logs(r.PathValue("app"))
		if n, numErr := strconv.Atoi(r.URL.Query().Get("release")); numErr == nil {
			text, err = p.ReleaseLog(r.PathValue("app"), n)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(text) // the client may have gone
	})
	return mux
}

func (p *Platform) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	apps := slices.Collect(p.Apps())
	if err := pageTemplate().Execute(w, map[string]any{"Apps": apps, "Host": r.Host, "Port": portOf(r.Host), "Domain": p.o.Domain}); err != nil {
		p.logger.Warn("page", "error", err)
	}
}

func portOf(host string) string {
	if _, port, err := net.SplitHostPort(host); err == nil {
		return ":" + port
	}
	return ""
}

// doomed is an instance that has ended already, to be replaced by its supervisor.
func (p *Platform) doomed(rel Release) *running {
	done := make(chan struct{})
	close(done)
	r := &running{Instance: endedInstance{done}, spec: p.spec(rel), stop: make(chan struct{})}
	r.spec.Output = io.Discard
	return r
}

type endedInstance struct{ done chan struct{} }

func (endedInstance) Addr() string            { return "" }
func (e endedInstance) Done() <-chan struct{} { return e.done }
func (endedInstance) Err() error              { return errors.New("it was not started") }
func (endedInstance) Stop(context.Context)    {}
