// Package policy chooses endpoints.
//
//	p := policy.RoundRobin()
//	i := p.Pick(set)
package policy

import "sync/atomic"

// A Set is what a Picker chooses from: endpoints that are up.
type Set interface {
	Len() int           // at least 1
	InFlight(i int) int // requests that endpoint i is serving
}

// A Picker chooses one of a set, by its index. It is called concurrently.
type Picker interface{ Pick(s Set) int }

// RoundRobin takes the endpoints in turn.
func RoundRobin() Picker { return &roundRobin{} }

type roundRobin struct{ next atomic.Uint64 }

func (p *roundRobin) Pick(s Set) int { return int((p.next.Add(1) - 1) % uint64(s.Len())) }

// LeastConn takes the endpoint with the fewest requests in flight, the first of
// equal ones after the one taken last.
func LeastConn() Picker { return &leastConn{} }

type leastConn struct{ next atomic.Uint64 }

func (p *leastConn) Pick(s Set) int {
	n := s.Len()
	start := int(p.next.Add(1) % uint64(n))
	best, bestLoad := start, s.InFlight(start)
	for k := 1; k < n && bestLoad > 0; k++ {
		i := (start + k) % n
		if load := s.InFlight(i); load < bestLoad {
			best, bestLoad = i, load
		}
	}
	return best
}
