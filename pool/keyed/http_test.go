package keyed_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/keyed"
)

// httpConn is a client's connection to one host.
type httpConn struct {
	net.Conn
	r *bufio.Reader
}

// A transport is a small http.RoundTripper over a pool of connections by host.
type transport struct {
	conns *keyed.Pool[string, *httpConn]
}

func newTransport(perHost, total int) (*transport, error) {
	var d net.Dialer
	p, err := keyed.Open(&keyed.Options[string, *httpConn]{
		MaxPerKey: perHost,
		MaxTotal:  total,
		New: func(ctx context.Context, host string) (*httpConn, error) {
			c, err := d.DialContext(ctx, "tcp", host)
			if err != nil {
				return nil, err
			}
			return &httpConn{c, bufio.NewReader(c)}, nil
		},
		Destroy:     func(_ string, c *httpConn) { _ = c.Close() },
		IdleTimeout: time.Minute,
	})
	return &transport{p}, err
}

// RoundTrip implements http.RoundTripper; the connection goes back when the body
// is closed.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := t.conns.Get(req.Context(), req.URL.Host)
	if err != nil {
		return nil, err
	}
	if err := req.Write(c.Value()); err != nil {
		c.Destroy()
		return nil, err
	}
	resp, err := http.ReadResponse(c.Value().r, req)
	if err != nil {
		c.Destroy()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, conn: c, reusable: !resp.Close}
	return resp, nil
}

type body struct {
	io.ReadCloser
	conn     keyed.Resource[string, *httpConn]
	reusable bool
	closed   bool
}

func (b *body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if err := b.ReadCloser.Close(); err != nil || !b.reusable { // Close reads what is left
		b.conn.Destroy()
		return err
	}
	b.conn.Release()
	return nil
}

func ExamplePool_Get_perHost() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello from ", r.URL.Path)
	}))
	defer server.Close()
	t, err := newTransport(2, 10) // two connections to a host, ten in all
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.conns.Close(context.Background())
	client := http.Client{Transport: t}
	for range 3 {
		resp, err := client.Get(server.URL + "/pool")
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(string(text))
	}
	fmt.Println("connections:", t.conns.Stats().Created)
	// Output:
	// hello from /pool
	// hello from /pool
	// hello from /pool
	// connections: 1
}

func TestHTTPPerHost(t *testing.T) {
	const hosts, perHost, total = 3, 2, 4
	type counter struct{ open, most atomic.Int64 }
	var all counter
	count := func(c *counter, by int64) {
		if n := c.open.Add(by); n > c.most.Load() {
			c.most.Store(n)
		}
	}
	urls := make([]string, hosts)
	counts := make([]counter, hosts)
	for i := range hosts {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/last" {
				w.Header().Set("Connection", "close")
			}
			fmt.Fprint(w, i, r.URL.Path)
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				count(&counts[i], 1)
				count(&all, 1)
			case http.StateClosed:
				count(&counts[i], -1)
				count(&all, -1)
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		urls[i] = s.URL
	}
	tr, err := newTransport(perHost, total)
	require.NoError(t, err)
	client := http.Client{Transport: tr, Timeout: time.Minute}
	var wg sync.WaitGroup
	for w := range 12 {
		wg.Go(func() {
			for n := range 30 {
				i, path := (w+n)%hosts, "/x"
				if n%7 == 0 {
					path = "/last"
				}
				resp, err := client.Get(urls[i] + path)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				if want := fmt.Sprint(i, path); err != nil || string(got) != want {
					t.Errorf("got %q, want %q, %v", got, want, err)
				}
				if err := resp.Body.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	st := tr.conns.Stats()
	require.LessOrEqual(t, st.Total, total)
	require.Zero(t, st.InUse+st.Waiting)
	require.NoError(t, tr.conns.Close(t.Context()))
	for i := range hosts {
		require.Positive(t, counts[i].most.Load())
	}
	// The servers see an end later than the pool does, so that their counts may
	// exceed the bounds for a moment; the pool's own bounds are TestStress's.
	require.Eventually(t, func() bool { return all.open.Load() == 0 }, time.Minute, time.Millisecond)
}
