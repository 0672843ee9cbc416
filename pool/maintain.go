package pool

import (
	"math/rand/v2"
	"time"
)

// The coarse clock ticks while the pool is in use. A second after it was woken
// it falls asleep by setting a flag of gate, so that the next Get or Release wakes
// it: an unused pool costs nothing, a busy one a locked call per second. What has
// a due time, lifetimes, idle times, keep-alive, leaks, back-off, is found by
// looking through all slots at the earliest of those times.
const (
	tickInterval = 10 * time.Millisecond
	awakeFor     = time.Second
)

// ticker is the timer of a pool. There is no goroutine between its ticks.
// Guarded by Pool.mu.
type ticker struct {
	timer      *time.Timer
	at         int64 // when timer fires; zero if it is stopped
	awakeUntil int64 // the coarse clock ticks until then
	scanAt     int64 // the earliest due time known; zero for none
	scannedAt  int64
}

// wake starts the coarse clock if it stands still. Called with mu held.
func (p *Pool[T]) wake() {
	g := p.gate.Load()
	if g&gateAsleep == 0 || g&gateClosed != 0 {
		return
	}
	now := p.now()
	p.clock.Store(now)
	p.gate.And(^gateAsleep)
	p.tick.awakeUntil = now + int64(awakeFor)
	p.setTimer(now + int64(tickInterval))
	if p.tick.scanAt == 0 && len(p.all) > 0 {
		p.tick.scanAt = now
	}
}

// schedule asks for a look through the slots at a time. Called with mu held.
func (p *Pool[T]) schedule(at int64) {
	if at != never && (p.tick.scanAt == 0 || at < p.tick.scanAt) {
		p.tick.scanAt = at
		p.setTimer(at)
	}
}

// setTimer makes onTick run at a time, if not earlier. Called with mu held.
func (p *Pool[T]) setTimer(at int64) {
	if p.gate.Load()&gateClosed != 0 || p.tick.at != 0 && p.tick.at <= at {
		return
	}
	p.tick.at = at
	d := time.Duration(at - p.now())
	if p.tick.timer == nil {
		p.tick.timer = time.AfterFunc(d, p.onTick)
	} else {
		p.tick.timer.Reset(d)
	}
}

func (p *Pool[T]) onTick() {
	var j jobs[T]
	p.mu.Lock()
	if p.gate.Load()&gateClosed != 0 {
		p.mu.Unlock()
		return
	}
	now := p.now()
	p.clock.Store(now)
	p.tick.at = 0
	if p.tick.scanAt != 0 && now >= p.tick.scanAt {
		j = p.scan(now)
	} else if p.o.MinIdle > 0 && now >= p.tick.scannedAt+p.leastScanInterval() {
		p.replenish(now) // Gets on the fast path tell nobody
	}
	if now < p.tick.awakeUntil {
		p.setTimer(now + int64(tickInterval))
	} else {
		p.gate.Or(gateAsleep)
	}
	if p.tick.scanAt != 0 {
		p.setTimer(p.tick.scanAt)
	}
	p.mu.Unlock()
	p.run(j)
}

// jobs is the user's code that a look through the slots calls for.
type jobs[T any] struct {
	destroy []outcome[T]
	check   []*slot[T]
	leaks   []Holder
}

func (p *Pool[T]) run(j jobs[T]) {
	for _, out := range j.destroy {
		go p.finish(out)
	}
	for _, s := range j.check {
		go p.checkInBackground(s)
	}
	for _, h := range j.leaks {
		if l := p.o.Logger; l != nil {
			l.Warn("pool: a resource has not come back", "resource", h.ID, "age", h.Age, "stack", h.Stack)
		}
		if f := p.o.Hooks.OnLeak; f != nil {
			p.hook("Hooks.OnLeak", func() { f(h) })
		}
	}
}

// leastScanInterval keeps the cost of looking through the slots, some 50 ns for
// each, under about half a percent of a processor. Called with mu held.
func (p *Pool[T]) leastScanInterval() int64 {
	return max(int64(tickInterval), int64(len(p.all))*int64(10*time.Microsecond))
}

// scan looks through all slots for what is due, and for when the next will be.
// Called with mu held.
func (p *Pool[T]) scan(now int64) jobs[T] {
	var j jobs[T]
	idle := p.countIdle()
	checks := max((idle+p.checking)/4, 1) - p.checking
	next := int64(never)
	for _, s := range p.all {
		st := s.state.Load()
		switch {
		case st&own != 0: // whoever works on it schedules what comes then
			continue
		case now >= s.dieAt:
			p.expire(s, Expired, &j, &idle)
		case p.mustReplace(s, now, st, idle):
			s.replaced = true
			p.start(creation[T]{replaces: s})
		case st&lent != 0:
			if p.o.LeakAfter > 0 && s.leakGen != genOf(st)+1 && now-s.since.Load() >= int64(p.o.LeakAfter) {
				s.leakGen = genOf(st) + 1
				p.counts.Leaked++
				j.leaks = append(j.leaks, p.holder(s, st, now))
			}
		case p.o.IdleTimeout > 0 && idle > p.o.MinIdle && now-s.since.Load() >= int64(p.o.IdleTimeout):
			p.expire(s, IdleTooLong, &j, &idle)
		case p.o.KeepAlive > 0 && checks > 0 && now-max(s.since.Load(), s.checkedAt) >= int64(p.o.KeepAlive):
			if p.claim(s) {
				checks--
				p.checking++
				j.check = append(j.check, s)
			}
		}
		next = min(next, p.due(s, now))
	}
	p.tick.scannedAt = now
	p.tick.scanAt = 0
	if next != never {
		p.tick.scanAt = max(next, now+p.leastScanInterval())
	}
	p.refill(now) // a pause of Backoff may be over
	p.replenish(now)
	return j
}

// expire destroys an idle slot, or marks a lent one to be destroyed when it comes
// back. Called with mu held.
func (p *Pool[T]) expire(s *slot[T], why Reason, j *jobs[T], idle *int) {
	if p.claim(s) {
		*idle--
		p.condemn(s)
		j.destroy = append(j.destroy, outcome[T]{slot: s, why: why})
	} else if why == Expired && s.state.Load()&retire == 0 {
		s.why = why
		s.set(retire)
	}
}

// mustReplace tells whether it is time to make the replacement of a slot, so that
// MinIdle holds when its lifetime ends. Called with mu held.
func (p *Pool[T]) mustReplace(s *slot[T], now int64, st uint64, idle int) bool {
	return p.o.MinIdle > 0 && st&lent == 0 && !s.replaced && now >= p.replaceAt(s) &&
		idle <= p.o.MinIdle && len(p.all)+p.creating < p.maxSize && p.mayReplenish(now)
}

// replaceAt is a sixteenth of the lifetime, but at most 5 s, before its end.
func (p *Pool[T]) replaceAt(s *slot[T]) int64 {
	return s.dieAt - min(int64(p.o.MaxLifetime/16), int64(5*time.Second))
}

func (p *Pool[T]) lifetimeFrom(now int64) int64 {
	if p.o.MaxLifetime == 0 {
		return never
	}
	return now + int64(p.o.MaxLifetime) - rand.Int64N(int64(p.o.LifetimeJitter)+1)
}

// due tells when something of a slot has to be looked at next. A slot that is
// lent now may come back at once. Called with mu held.
func (p *Pool[T]) due(s *slot[T], now int64) int64 {
	at := int64(never)
	st := s.state.Load()
	idle := st&lent == 0
	from := now
	if idle {
		from = s.since.Load()
	}
	if st&retire == 0 {
		at = s.dieAt
		if p.o.MinIdle > 0 && p.o.MaxLifetime > 0 && !s.replaced {
			at = p.replaceAt(s)
		}
	}
	if d := p.o.IdleTimeout; d > 0 {
		at = min(at, from+int64(d))
	}
	if d := p.o.KeepAlive; d > 0 {
		at = min(at, max(from, s.checkedAt)+int64(d))
	}
	if d := p.o.LeakAfter; d > 0 {
		switch {
		case idle:
			at = min(at, now+int64(d))
		case s.leakGen != genOf(st)+1:
			at = min(at, s.since.Load()+int64(d))
		default:
			at = min(at, now+int64(d))
		}
	}
	return at
}
