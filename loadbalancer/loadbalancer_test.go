package loadbalancer_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/loadbalancer"
)

// backend is a server that says its name; healthy decides about /health.
type backend struct {
	*httptest.Server
	name    string
	healthy atomic.Bool
}

func (b *backend) endpoint() loadbalancer.Endpoint {
	return loadbalancer.Endpoint{Addr: b.Listener.Addr().String()}
}

func newBackend(t *testing.T, name string, h http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{name: name}
	b.healthy.Store(true)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/health" && !b.healthy.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case h != nil && r.URL.Path != "/health":
			h(w, r)
		default:
			fmt.Fprint(w, name)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func newPool(t *testing.T, o *loadbalancer.PoolOptions, backends ...*backend) *loadbalancer.Pool {
	t.Helper()
	var eps []loadbalancer.Endpoint
	for _, b := range backends {
		eps = append(eps, b.endpoint())
	}
	p, err := loadbalancer.NewPool("test", eps, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func front(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestRoundRobin(t *testing.T) {
	p := newPool(t, nil, newBackend(t, "a", nil), newBackend(t, "b", nil), newBackend(t, "c", nil))
	s := front(t, p.Handler(nil))
	var got string
	for range 6 {
		_, body := get(t, s.URL)
		got += body
	}
	require.Equal(t, "abcabc", got)
	for _, st := range p.Stats() {
		require.EqualValues(t, 2, st.Requests)
	}
}

func TestRefusedConnectionsAreTriedElsewhere(t *testing.T) {
	a, b := newBackend(t, "a", nil), newBackend(t, "b", nil)
	p := newPool(t, nil, a, b)
	a.Close()
	s := front(t, p.Handler(nil))
	for range 10 {
		res, err := http.Post(s.URL, "text/plain", strings.NewReader("body"))
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	b.Close()
	code, _ := get(t, s.URL)
	require.Equal(t, http.StatusBadGateway, code)
}

func TestHealthChecks(t *testing.T) {
	a, b := newBackend(t, "a", nil), newBackend(t, "b", nil)
	a.healthy.Store(false)
	p := newPool(t, &loadbalancer.PoolOptions{HealthCheck: &loadbalancer.HealthCheck{Interval: 5 * time.Millisecond}}, a, b)
	s := front(t, p.Handler(nil))
	up := func(want ...bool) func() bool {
		return func() bool {
			st := p.Stats()
			return st[0].Up == want[0] && st[1].Up == want[1]
		}
	}
	require.Eventually(t, up(false, true), 10*time.Second, time.Millisecond)
	for range 4 {
		_, body := get(t, s.URL)
		require.Equal(t, "b", body)
	}
	b.healthy.Store(false)
	require.Eventually(t, up(false, false), 10*time.Second, time.Millisecond)
	res, err := http.Get(s.URL)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "1", res.Header.Get("Retry-After"))
	a.healthy.Store(true)
	require.Eventually(t, up(true, false), 10*time.Second, time.Millisecond)
	_, body := get(t, s.URL)
	require.Equal(t, "a", body)
}

func TestUpdateLosesNoRequest(t *testing.T) {
	gen := make([]*backend, 5)
	for i := range gen {
		gen[i] = newBackend(t, fmt.Sprint(i), nil)
	}
	p := newPool(t, nil, gen[0])
	s := front(t, p.Handler(nil))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var sent atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := http.Get(s.URL)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("%v, %v", res, err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				sent.Add(1)
			}
		})
	}
	for i := 1; i < len(gen); i++ {
		before := sent.Load()
		require.Eventually(t, func() bool { return sent.Load() > before+50 }, 20*time.Second, time.Millisecond)
		old := gen[i-1].endpoint().Addr
		idler, err := p.Idler(old)
		require.NoError(t, err)
		require.NoError(t, p.Update([]loadbalancer.Endpoint{gen[i].endpoint()}))
		require.NoError(t, idler.Wait(t.Context()))
		gen[i-1].Close()
	}
	close(stop)
	wg.Wait()
	_, body := get(t, s.URL)
	require.Equal(t, "4", body)
}

func TestDrainWaitsForRequestsInFlight(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	slow := newBackend(t, "slow", func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-finish
		fmt.Fprint(w, "slow")
	})
	fast := newBackend(t, "fast", nil)
	p := newPool(t, nil, slow, fast)
	s := front(t, p.Handler(nil))
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(s.URL)
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		answer <- string(body)
	}()
	<-started
	addr := slow.endpoint().Addr
	require.NoError(t, p.Drain(addr))
	for range 3 {
		_, body := get(t, s.URL)
		require.Equal(t, "fast", body)
	}
	idler, err := p.Idler(addr)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, idler.Wait(ctx), context.Canceled)
	close(finish)
	require.Equal(t, "slow", <-answer)
	require.NoError(t, idler.Wait(t.Context()))
	require.ErrorIs(t, p.Drain("127.0.0.1:1"), loadbalancer.ErrUnknownEndpoint)
	_, err = p.Idler("127.0.0.1:1")
	require.ErrorIs(t, err, loadbalancer.ErrUnknownEndpoint)
}

func TestWebSocket(t *testing.T) {
	b := newBackend(t, "ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, msg, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, append([]byte("echo: "), msg...)); err != nil {
				return
			}
		}
	})
	p := newPool(t, nil, b)
	s := front(t, p.Handler(nil))
	c, _, err := websocket.Dial(t.Context(), s.URL, nil)
	require.NoError(t, err)
	for _, m := range []string{"one", "two"} {
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(m)))
		_, got, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, "echo: "+m, string(got))
	}
	require.Equal(t, 1, p.Stats()[0].InFlight)
	require.NoError(t, c.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool { return p.Stats()[0].InFlight == 0 }, 10*time.Second, time.Millisecond)
}

func TestForwardedHeaders(t *testing.T) {
	b := newBackend(t, "", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, "|", r.Header.Get("X-Forwarded-For"), "|", r.Header.Get("X-Forwarded-Host"), "|", r.Header.Get("X-Forwarded-Proto"))
	})
	p := newPool(t, nil, b)
	ask := func(o *loadbalancer.HandlerOptions) string {
		s := front(t, p.Handler(o))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		require.NoError(t, err)
		req.Host = "app.example"
		req.Header.Set("X-Forwarded-For", "6.6.6.6")
		req.Header.Set("X-Forwarded-Proto", "spoofed")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return string(body)
	}
	require.Equal(t, "app.example|127.0.0.1|app.example|http", ask(nil))
	require.Equal(t, "app.example|6.6.6.6, 127.0.0.1|app.example|http", ask(&loadbalancer.HandlerOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
}

func TestSlowBackendTimesOut(t *testing.T) {
	finish := make(chan struct{})
	b := newBackend(t, "", func(http.ResponseWriter, *http.Request) { <-finish })
	defer close(finish)
	p := newPool(t, &loadbalancer.PoolOptions{ResponseTimeout: 20 * time.Millisecond}, b)
	code, _ := get(t, front(t, p.Handler(nil)).URL)
	require.Equal(t, http.StatusGatewayTimeout, code)
}

func TestClientSide(t *testing.T) {
	p := newPool(t, nil, newBackend(t, "a", nil), newBackend(t, "b", nil))
	client := &http.Client{Transport: p.RoundTripper()}
	var got string
	for range 4 {
		res, err := client.Get("http://service/path")
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		got += string(body)
	}
	require.Equal(t, "abab", got)
	c, err := p.Dial(t.Context(), "tcp")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, p.Close())
	_, err = client.Get("http://service/")
	require.ErrorIs(t, err, loadbalancer.ErrNoEndpoint)
	_, err = p.Dial(t.Context(), "tcp")
	require.ErrorIs(t, err, loadbalancer.ErrNoEndpoint)
	require.ErrorIs(t, p.Update(nil), loadbalancer.ErrClosed)
}

func TestServerRoutesByHost(t *testing.T) {
	say := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) })
	}
	s, err := loadbalancer.New(&loadbalancer.Options{Config: loadbalancer.Config{Routes: []loadbalancer.Route{
		{Host: "a.example", Handler: say("a")}, {Host: "*.example", Handler: say("any")},
	}}})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ask := func(host string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
		require.NoError(t, err)
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return strings.TrimSpace(string(body))
	}
	require.Equal(t, "a", ask("A.example:80"))
	require.Equal(t, "any", ask("b.c.example."))
	require.Equal(t, "no route for this host", ask("other"))
	require.NoError(t, s.Reload(&loadbalancer.Config{Routes: []loadbalancer.Route{{Handler: say("all")}}}))
	require.Equal(t, "all", ask("other"))
	for _, bad := range []loadbalancer.Route{{Host: "x"}, {Host: "a b", Handler: say("")}, {Host: "*.*.x", Handler: say("")}} {
		require.ErrorIs(t, s.Reload(&loadbalancer.Config{Routes: []loadbalancer.Route{bad}}), loadbalancer.ErrConfig)
	}
	require.ErrorIs(t, s.Reload(&loadbalancer.Config{Routes: []loadbalancer.Route{{Handler: say("")}, {Handler: say("")}}}), loadbalancer.ErrConfig)
	require.Equal(t, "all", ask("other"), "a bad config changes nothing")
	unused, err := net.Dial("tcp", l.Addr().String()) // must not hold up the end
	require.NoError(t, err)
	defer unused.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
	require.ErrorIs(t, <-served, loadbalancer.ErrServerClosed)
	require.NoError(t, s.Close())
}

func TestBadConfig(t *testing.T) {
	for _, eps := range [][]loadbalancer.Endpoint{{{Addr: "nohost"}}, {{Addr: ":80"}}, {{Addr: "a:1"}, {Addr: "a:1"}}} {
		_, err := loadbalancer.NewPool("x", eps, nil)
		require.ErrorIs(t, err, loadbalancer.ErrConfig)
	}
	_, err := loadbalancer.NewPool("x", nil, &loadbalancer.PoolOptions{HealthCheck: &loadbalancer.HealthCheck{Path: "x"}})
	require.ErrorIs(t, err, loadbalancer.ErrConfig)
	_, err = loadbalancer.New(&loadbalancer.Options{Config: loadbalancer.Config{Routes: []loadbalancer.Route{{Host: "x"}}}})
	require.ErrorIs(t, err, loadbalancer.ErrConfig)
}

func Example() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	backend := httptest.NewServer(hello)
	defer backend.Close()

	pool, err := loadbalancer.NewPool("web", []loadbalancer.Endpoint{
		{Addr: backend.Listener.Addr().String()},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	front := httptest.NewServer(pool.Handler(nil))
	defer front.Close()
	res, err := http.Get(front.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(string(body), err)
	// Output: hello <nil>
}
