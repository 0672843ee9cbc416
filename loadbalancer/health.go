package loadbalancer

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

func (c HealthCheck) withDefaults() HealthCheck {
	if c.Path == "" {
		c.Path = "/health"
	}
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Fall == 0 {
		c.Fall = 2
	}
	if c.Rise == 0 {
		c.Rise = 1
	}
	return c
}

// checkLoop checks all endpoints, side by side, in each interval.
func (p *Pool) checkLoop(ctx context.Context) {
	tick := time.NewTicker(p.check.Interval)
	defer tick.Stop()
	for {
		p.mu.Lock()
		all := slices.Clone(p.all)
		p.mu.Unlock()
		var wg sync.WaitGroup
		for _, e := range all {
			wg.Go(func() { p.checkOne(ctx, e) })
		}
		wg.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *Pool) checkOne(ctx context.Context, e *endpoint) {
	err := p.probe(ctx, e)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		e.good, e.bad = e.good+1, 0
	} else {
		e.good, e.bad = 0, e.bad+1
	}
	down := e.down.Load()
	switch {
	case !down && e.bad >= p.check.Fall:
		p.logger.Warn("endpoint is down", "pool", p.name, "endpoint", e.Addr, "error", err)
	case down && e.good >= p.check.Rise:
		p.logger.Info("endpoint is up", "pool", p.name, "endpoint", e.Addr)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e.down.Store(!down)
	if !p.closed {
		p.publish()
	}
}

// probe makes one check.
func (p *Pool) probe(ctx context.Context, e *endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, p.check.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Addr+p.check.Path, nil)
	if err != nil {
		return err
	}
	res, err := p.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	// Read a little, so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // only the status counts
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return statusError(res.Status)
	}
	return nil
}

type statusError string

func (e statusError) Error() string { return "health check answered " + string(e) }
