package pool

import "time"

// Reading the clock twice would be a quarter of what the pool adds to a wait. So
// while the queue moves more often than every rushedBelow, for rushedFrom moves
// without a break, only one wait in timedShare is timed, and counts for that many.
const (
	timedShare  = 8
	rushedFrom  = 64
	rushedBelow = int64(20 * time.Microsecond)
	untimed     = -1
)

// pace is how fast the queue moves. Guarded by Pool.mu.
type pace struct {
	average int64 // between hand-overs, in nanoseconds, a moving one; zero before the first
	since   int64 // the last timed hand-over, or the begin of the queue; untimed if that was not
	moves   int64 // hand-overs since then, not yet in Stats.Waited
	streak  int64 // hand-overs since the begin of the queue
	rushed  bool
}

// weigh tells for how many waits the next one counts if it is timed, or zero if
// that is not needed. Hooks want to know each. Called with mu held.
func (p *Pool[T]) weigh() uint64 {
	switch {
	case !p.pace.rushed || p.gate.Load()&gateSlow != 0:
		return 1
	case p.tickets%timedShare == 0:
		return timedShare
	}
	return 0
}

// beginQueue notes that the queue is not empty any more. Called with mu held.
func (p *Pool[T]) beginQueue(now int64) {
	p.counts.Waited += uint64(p.pace.moves)
	c := &p.pace
	c.since, c.moves, c.streak, c.rushed = now, 0, 0, false
}

// moved notes a timed hand-over.
func (c *pace) moved(now int64) {
	if c.since != untimed && c.moves > 0 {
		each := (now - c.since) / c.moves
		if c.average == 0 {
			c.average = each
		}
		c.average += (each - c.average) / 8
		c.streak += c.moves
		c.rushed = c.streak >= rushedFrom && c.average < rushedBelow
	}
	c.since, c.moves = now, 0
}

// expected estimates how long it takes until n more hand-overs are done.
func (c *pace) expected(n int) time.Duration { return time.Duration(c.average * int64(n)) }
