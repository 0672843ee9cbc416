package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/loadbalancer/policy"
)

var (
	// ErrNoEndpoint is returned when no endpoint is up.
	ErrNoEndpoint = errors.New("loadbalancer: no endpoint is up")

	// ErrUnknownEndpoint is returned for an address that is not in the pool.
	ErrUnknownEndpoint = errors.New("loadbalancer: unknown endpoint")

	// ErrConfig is wrapped by errors about options; the text names the field.
	ErrConfig = errors.New("loadbalancer: bad options")

	// ErrClosed is returned by calls on a pool after Close.
	ErrClosed = errors.New("loadbalancer: closed")

	// ErrServerClosed is returned by Server.Serve after Shutdown or Close.
	ErrServerClosed = errors.New("loadbalancer: server closed")
)

// An Endpoint is a backend.
type Endpoint struct {
	Addr string // host:port
}

// HealthCheck asks each endpoint whether it is well.
type HealthCheck struct {
	// Path is requested with GET; a status of 200 to 399 is good. Empty means
	// "/health".
	Path string
	// Interval is the time between two checks. Zero means 10 s.
	Interval time.Duration
	// Timeout bounds one check. Zero means 2 s.
	Timeout time.Duration
	// Fall is how many bad checks in a row take an endpoint down. Zero means 2.
	Fall int
	// Rise is how many good ones bring it up again. Zero means 1.
	Rise int
}

// PoolOptions tune a Pool. A nil *PoolOptions means the defaults.
type PoolOptions struct {
	// Picker chooses among the endpoints that are up. Nil means round robin.
	Picker policy.Picker

	// HealthCheck checks the endpoints actively. Nil means no checks: all are up.
	HealthCheck *HealthCheck

	// DialTimeout bounds connecting to an endpoint. Zero means 2 s.
	DialTimeout time.Duration

	// ResponseTimeout bounds the wait for the head of an answer once the request
	// is sent. Zero means no limit.
	ResponseTimeout time.Duration

	// Logger is told when endpoints go up and down. Nil: silent.
	Logger *slog.Logger
}

// A Pool is a named set of endpoints. All methods may be called concurrently.
type Pool struct {
	name      string
	picker    policy.Picker
	check     *HealthCheck
	logger    *slog.Logger
	transport *http.Transport
	dialer    net.Dialer

	set atomic.Pointer[endpointSet] // what requests choose from
	mu  sync.Mutex
	all []*endpoint // guarded by mu; in the order of the last Update

	stop   context.CancelFunc
	wg     sync.WaitGroup
	closed bool // guarded by mu
}

// endpoint is the state of one backend; it outlives Updates that keep its address.
type endpoint struct {
	Endpoint
	down     atomic.Bool
	draining atomic.Bool
	inFlight atomic.Int64
	requests atomic.Uint64
	failures atomic.Uint64
	bad      int // checks in a row; used by the checking goroutine only
	good     int
	idle     chan struct{} // gets a value when inFlight falls to 0
}

// endpointSet implements policy.Set; it never changes.
type endpointSet struct{ list []*endpoint }

func (s *endpointSet) Len() int           { return len(s.list) }
func (s *endpointSet) InFlight(i int) int { return int(s.list[i].inFlight.Load()) }

// NewPool returns a pool. Its endpoints count as up until a check says otherwise;
// the first checks are made at once.
func NewPool(name string, eps []Endpoint, o *PoolOptions) (*Pool, error) {
	if o == nil {
		o = &PoolOptions{}
	}
	p := &Pool{name: name, picker: o.Picker, logger: o.Logger, dialer: net.Dialer{Timeout: o.DialTimeout}}
	if p.picker == nil {
		p.picker = policy.RoundRobin()
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.dialer.Timeout == 0 {
		p.dialer.Timeout = 2 * time.Second
	}
	p.transport = &http.Transport{
		DialContext:           p.dialer.DialContext,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: o.ResponseTimeout,
		DisableCompression:    true, // bodies pass as they are
	}
	if o.HealthCheck != nil {
		c := o.HealthCheck.withDefaults()
		if c.Interval < 0 || c.Timeout < 0 || c.Fall < 0 || c.Rise < 0 || c.Path[0] != '/' {
			return nil, fmt.Errorf("%w: HealthCheck has a negative field or a Path without /", ErrConfig)
		}
		p.check = &c
	}
	if err := p.Update(eps); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	if p.check != nil {
		p.wg.Go(func() { p.checkLoop(ctx) })
	}
	return p, nil
}

// Name returns the name given to NewPool.
func (p *Pool) Name() string { return p.name }

// Update puts other endpoints in place of the old ones, at once. Endpoints whose
// address stays keep their state; removed ones finish the requests they have. An
// address that is not host:port, or comes twice, is an error and changes nothing.
func (p *Pool) Update(eps []Endpoint) error {
	seen := make(map[string]bool)
	for _, e := range eps {
		if host, port, err := net.SplitHostPort(e.Addr); err != nil || host == "" || port == "" {
			return fmt.Errorf("%w: endpoint address %q is not host:port", ErrConfig, e.Addr)
		}
		if seen[e.Addr] {
			return fmt.Errorf("%w: endpoint address %q comes twice", ErrConfig, e.Addr)
		}
		seen[e.Addr] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	next := make([]*endpoint, len(eps))
	for i, e := range eps {
		if old := p.find(e.Addr); old != nil {
			next[i] = old
		} else {
			next[i] = &endpoint{Endpoint: e, idle: make(chan struct{}, 1)}
		}
	}
	p.all = next
	p.publish()
	return nil
}

// find returns an endpoint by its address. Called with mu held.
func (p *Pool) find(addr string) *endpoint {
	i := slices.IndexFunc(p.all, func(e *endpoint) bool { return e.Addr == addr })
	if i < 0 {
		return nil
	}
	return p.all[i]
}

// publish makes the set that requests choose from. Called with mu held.
func (p *Pool) publish() {
	s := &endpointSet{}
	for _, e := range p.all {
		if !e.down.Load() && !e.draining.Load() {
			s.list = append(s.list, e)
		}
	}
	p.set.Store(s)
}

// Drain keeps new requests from an endpoint. [Idler.Wait] tells when those that
// it has are done.
func (p *Pool) Drain(addr string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.find(addr)
	if e == nil {
		return fmt.Errorf("%w: %s", ErrUnknownEndpoint, addr)
	}
	e.draining.Store(true)
	p.publish()
	return nil
}

// An Idler waits for the requests of an endpoint; see [Pool.Idler].
type Idler struct{ e *endpoint }

// Idler returns what waits for the requests in flight at an endpoint, also after
// the endpoint was removed by Update.
func (p *Pool) Idler(addr string) (*Idler, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.find(addr)
	if e == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownEndpoint, addr)
	}
	return &Idler{e}, nil
}

// Wait returns when the endpoint has no request in flight, or ctx ends. Call it
// when no new ones can come: after Drain, or after Update removed the endpoint.
func (w *Idler) Wait(ctx context.Context) error {
	for w.e.inFlight.Load() > 0 {
		select {
		case <-w.e.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// EndpointStats is a snapshot of one endpoint.
type EndpointStats struct {
	Addr     string
	Up       bool
	Draining bool
	InFlight int
	Requests uint64 // sent, those in flight included
	Failures uint64 // that got no answer
}

// Stats returns the endpoints in the order of the last Update.
func (p *Pool) Stats() []EndpointStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]EndpointStats, len(p.all))
	for i, e := range p.all {
		list[i] = EndpointStats{
			Addr: e.Addr, Up: !e.down.Load(), Draining: e.draining.Load(),
			InFlight: int(e.inFlight.Load()), Requests: e.requests.Load(), Failures: e.failures.Load(),
		}
	}
	return list
}

// Close stops the checks and closes idle connections. Requests that have begun
// finish; new ones fail. It may be called twice.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.set.Store(&endpointSet{})
	p.mu.Unlock()
	p.stop()
	p.wg.Wait()
	p.transport.CloseIdleConnections()
	return nil
}

// Dial connects to an endpoint, as the picker chooses; if that refuses, to another.
func (p *Pool) Dial(ctx context.Context, network string) (net.Conn, error) {
	var conn net.Conn
	_, err := p.try(func(e *endpoint) (err error) {
		conn, err = p.dialer.DialContext(ctx, network, e.Addr)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// try calls f with one endpoint after another until it succeeds, or fails after it
// was connected. The endpoint that f succeeded with is returned with its request
// counted as in flight only if f is a RoundTrip; Dial's is not.
func (p *Pool) try(f func(e *endpoint) error) (*endpoint, error) {
	set := p.set.Load()
	if len(set.list) == 0 {
		return nil, fmt.Errorf("%w in pool %q", ErrNoEndpoint, p.name)
	}
	first := p.picker.Pick(set)
	var err error
	for k := range set.list {
		e := set.list[(first+k)%len(set.list)]
		if err = f(e); err == nil {
			return e, nil
		}
		e.failures.Add(1)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			return nil, err
		}
	}
	return nil, err
}
