package loadbalancer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/netip"
	"sync"
	"sync/atomic"
)

// RoundTripper returns a transport for clients: the host of a request's URL does
// not matter, its path and headers go to an endpoint of the pool.
func (p *Pool) RoundTripper() http.RoundTripper { return roundTripper{p} }

type roundTripper struct{ p *Pool }

// RoundTrip sends the request to an endpoint. The request counts as in flight until
// the body of the answer is closed.
func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	var res *http.Response
	body := req.Body
	var kept *keptBody
	if body != nil && body != http.NoBody {
		kept = &keptBody{ReadCloser: body}
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { kept.sent.Store(true) },
		}))
	}
	e, err := rt.p.try(func(e *endpoint) (err error) {
		e.begin()
		out := *req
		if kept != nil {
			out.Body = kept
		}
		url := *req.URL
		url.Scheme, url.Host = "http", e.Addr
		out.URL = &url
		if out.Host == "" {
			out.Host = req.URL.Host
		}
		res, err = rt.p.transport.RoundTrip(&out)
		if err != nil {
			e.end()
		}
		return err
	})
	if err != nil {
		if body != nil {
			_ = body.Close() // as a RoundTripper must
		}
		return nil, err
	}
	counted := &countedBody{ReadCloser: res.Body, end: sync.OnceFunc(e.end)}
	if rwc, ok := res.Body.(io.ReadWriteCloser); ok { // of a 101, for WebSockets
		res.Body = &countedConn{countedBody: counted, w: rwc}
	} else {
		res.Body = counted
	}
	return res, nil
}

// keptBody stays open as long as no endpoint has been connected, since the
// transport closes it after a failed attempt.
type keptBody struct {
	io.ReadCloser
	sent atomic.Bool
}

func (b *keptBody) Close() error {
	if !b.sent.Load() {
		return nil
	}
	return b.ReadCloser.Close()
}

func (e *endpoint) begin() {
	e.requests.Add(1)
	e.inFlight.Add(1)
}

func (e *endpoint) end() {
	if e.inFlight.Add(-1) == 0 {
		select {
		case e.idle <- struct{}{}:
		default:
		}
	}
}

type countedBody struct {
	io.ReadCloser
	end func()
}

func (b *countedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

type countedConn struct {
	*countedBody
	w io.Writer
}

func (c *countedConn) Write(b []byte) (int, error) { return c.w.Write(b) }

// HandlerOptions tune a Handler. A nil *HandlerOptions means the defaults.
type HandlerOptions struct {
	// TrustedProxies are the addresses whose X-Forwarded-For is believed and
	// extended; that of others is dropped. Nil trusts nobody.
	TrustedProxies []netip.Prefix

	// Logger is told of requests that no endpoint answered. Nil: silent.
	Logger *slog.Logger
}

// Handler returns a handler that forwards requests to the pool, WebSockets and
// other upgrades included. The Host header passes unchanged. No endpoint being up
// gives 503, an endpoint that does not answer 502, and one that is too slow 504.
func (p *Pool) Handler(o *HandlerOptions) http.Handler {
	if o == nil {
		o = &HandlerOptions{}
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &httputil.ReverseProxy{
		Transport:     p.RoundTripper(),
		FlushInterval: -1, // streams pass without delay
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "pool"
			r.Out.Host = r.In.Host
			if trusted(r.In.RemoteAddr, o.TrustedProxies) {
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			}
			r.SetXForwarded()
		},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
				return // the client has gone
			}
			logger.Warn("no answer", "pool", p.name, "method", r.Method, "path", r.URL.Path, "error", err)
			var ne net.Error
			switch {
			case errors.Is(err, ErrNoEndpoint):
				w.Header().Set("Retry-After", "1")
				http.Error(w, "all backends are down", http.StatusServiceUnavailable)
			case errors.As(err, &ne) && ne.Timeout():
				http.Error(w, "backend did not answer in time", http.StatusGatewayTimeout)
			default:
				http.Error(w, "backend did not answer", http.StatusBadGateway)
			}
		},
	}
}

func trusted(remote string, prefixes []netip.Prefix) bool {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, p := range prefixes {
		if p.Contains(ap.Addr().Unmap()) {
			return true
		}
	}
	return false
}
