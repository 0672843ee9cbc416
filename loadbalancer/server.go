package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Route sends the requests for a host to a handler, most often that of a pool.
type Route struct {
	// Host is a name, "*." and a name for all names below it, or empty for all
	// hosts that have no other route. Ports are not looked at.
	Host string
	// Handler serves the requests.
	Handler http.Handler
}

// Config is the part of a Server that can be reloaded.
type Config struct {
	Routes []Route
}

// Options tune a Server.
type Options struct {
	Config

	// HeaderTimeout bounds the time for a request's head. Zero means 10 s.
	HeaderTimeout time.Duration

	// IdleTimeout closes connections that send no further request. Zero means 60 s.
	IdleTimeout time.Duration

	// Logger is told of connections that fail. Nil: silent.
	Logger *slog.Logger
}

// A Server routes requests by their host.
type Server struct {
	http   *http.Server
	routes atomic.Pointer[routes]

	mu      sync.Mutex
	unused  map[net.Conn]struct{} // guarded by mu; connections without a request so far
	closing bool                  // guarded by mu
}

// routes is a compiled Config; it never changes.
type routes struct {
	exact    map[string]http.Handler
	wildcard map[string]http.Handler // by the name behind "*."
	other    http.Handler
}

// New returns a server.
func New(o *Options) (*Server, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Server{unused: make(map[net.Conn]struct{})}
	if err := s.Reload(&o.Config); err != nil {
		return nil, err
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: o.HeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    64 << 10,
		ConnState:         s.track,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if s.http.ReadHeaderTimeout == 0 {
		s.http.ReadHeaderTimeout = 10 * time.Second
	}
	if s.http.IdleTimeout == 0 {
		s.http.IdleTimeout = time.Minute
	}
	return s, nil
}

// Reload puts other routes in place of the old ones, at once. Requests that have
// begun are not touched. A bad route is an error and changes nothing.
func (s *Server) Reload(c *Config) error {
	r := &routes{exact: make(map[string]http.Handler), wildcard: make(map[string]http.Handler)}
	for _, route := range c.Routes {
		if route.Handler == nil {
			return fmt.Errorf("%w: route for host %q has no Handler", ErrConfig, route.Host)
		}
		host := strings.ToLower(route.Host)
		table := r.exact
		if name, ok := strings.CutPrefix(host, "*."); ok {
			table, host = r.wildcard, name
		}
		if strings.ContainsAny(host, "*:/ ") {
			return fmt.Errorf("%w: route host %q is not a name", ErrConfig, route.Host)
		}
		if table[host] != nil || route.Host == "" && r.other != nil {
			return fmt.Errorf("%w: host %q has two routes", ErrConfig, route.Host)
		}
		if route.Host == "" {
			r.other = route.Handler
		} else {
			table[host] = route.Handler
		}
	}
	s.routes.Store(r)
	return nil
}

// ServeHTTP routes one request, so that a Server can stand under another server.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if h := s.routes.Load().find(r.Host); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.Error(w, "no route for this host", http.StatusNotFound)
}

func (r *routes) find(host string) http.Handler {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if h := r.exact[host]; h != nil {
		return h
	}
	for rest := host; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok {
			return r.other
		}
		if h := r.wildcard[parent]; h != nil {
			return h
		}
		rest = parent
	}
}

// Serve accepts connections on l until the server is closed. It always returns an
// error, [ErrServerClosed] after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return ErrServerClosed
	}
	return err
}

// track keeps the connections that clients have opened and not used yet, for which
// net/http would wait some seconds when it shuts down.
func (s *Server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.unused, c)
		return
	}
	s.unused[c] = struct{}{}
	if s.closing {
		_ = c.Close() // nobody has asked anything
	}
}

// Shutdown stops accepting and waits for requests to finish until ctx ends; then it
// returns the error of ctx. Upgraded connections are not waited for.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for c := range s.unused {
		_ = c.Close() // nobody has asked anything
	}
	s.mu.Unlock()
	return s.http.Shutdown(ctx)
}

// Close closes all listeners and connections at once. It may be called twice.
func (s *Server) Close() error { return s.http.Close() }
