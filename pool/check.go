package pool

import (
	"context"
	"time"

	"github.com/groundwork-go/groundwork/pool/internal/protect"
)

// needsCheck tells whether a slot that has just been taken was idle for so long
// that it must be checked.
func (p *Pool[T]) needsCheck(s *slot[T]) bool {
	return p.checkAfter != never && p.clock.Load()-s.since.Load() >= p.checkAfter
}

// vet checks a slot for a caller. A bad one is being destroyed when it returns
// false. If ctx or until ends first the slot goes back to the pool when its check
// is over.
func (p *Pool[T]) vet(ctx context.Context, until int64, s *slot[T]) (ok bool, err error) {
	s.set(own)
	done := make(chan error, 1)
	go func() { done <- p.boundedCheck(s.value) }()
	var timeout <-chan time.Time
	if until != never {
		t := time.NewTimer(time.Duration(until - p.now()))
		defer t.Stop()
		timeout = t.C
	}
	select {
	case err := <-done:
		return p.settleCheck(s, err), nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout:
		err = ErrNotAvailable
	}
	go func() {
		if p.settleCheck(s, <-done) {
			s.set(own)
			p.put(s)
		}
	}()
	return false, err
}

// settleCheck ends the check of a slot for a caller, who has it if the result is
// true; otherwise it is being destroyed.
func (p *Pool[T]) settleCheck(s *slot[T], err error) bool {
	p.mu.Lock()
	why := s.why
	switch {
	case err != nil:
		why = CheckFailed
		p.counts.CheckFailed++
	case p.gate.Load()&gateClosed != 0:
		why = Closed
	case s.state.Load()&retire == 0:
		s.clear(own)
		p.mu.Unlock()
		return true
	}
	p.condemn(s)
	p.mu.Unlock()
	go p.discard(s, why)
	return false
}

// boundedCheck calls Check on a goroutine of its own and waits for it no longer
// than CheckTimeout.
func (p *Pool[T]) boundedCheck(v T) error {
	check := func(ctx context.Context) error { return p.o.Check(ctx, v) }
	return protect.Bounded(p.createCtx, p.o.CheckTimeout, check, func(value any, stack []byte) error {
		err := &PanicError{Op: "Check", Value: value, Stack: stack}
		p.reportPanic(err)
		return err
	})
}

// checkInBackground is the keep-alive check of an idle slot that the pool has
// claimed.
func (p *Pool[T]) checkInBackground(s *slot[T]) {
	idleSince := s.since.Load()
	err := p.boundedCheck(s.value)
	now := p.now()
	p.mu.Lock()
	p.counts.KeepAlives++
	p.checking--
	s.checkedAt = now
	var out outcome[T]
	if err != nil {
		p.counts.CheckFailed++
		p.condemn(s)
		out = outcome[T]{slot: s, why: CheckFailed}
	} else {
		out = p.place(s)
		if out.why == 0 && s.state.Load()&lent == 0 {
			// A check is no use: the idle time goes on. Somebody may have taken s
			// from its cell by now, to whom a wrong age does no harm.
			s.since.CompareAndSwap(p.clock.Load(), idleSince)
		}
		p.schedule(p.due(s, now))
	}
	p.mu.Unlock()
	p.finish(out)
}
