package pool

import (
	"context"
	"reflect"
)

// The bare style lends values without handles, so that Release has to find the
// slot of a value again: by a map where T can be compared, else by taking any
// slot that was lent bare and putting the value into it.

// Acquire lends the bare value of a resource; see [Pool.Get] for the way it is
// found and for the errors.
func (p *Pool[T]) Acquire(ctx context.Context) (T, error) {
	r, err := p.Get(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	p.mu.Lock()
	p.rememberBare(r.slot)
	p.mu.Unlock()
	return r.slot.value, nil
}

// Release takes back a value lent by [Pool.Acquire]. A value that the pool did
// not lend is destroyed and counted in Stats.DestroyedFor[Foreign]. It panics when
// a value comes back more often than it went out. Where T cannot be compared,
// values are told apart only by their number.
func (p *Pool[T]) Release(v T) {
	p.mu.Lock()
	s, known := p.takeBare(v)
	if s == nil && !known {
		p.counts.Destroyed++
		p.counts.DestroyedFor[Foreign]++
	}
	p.mu.Unlock()
	switch {
	case s == nil && known:
		panic("pool: Release of a value that is not lent")
	case s == nil:
		p.end(v, Foreign)
		return
	}
	s.endLoan(genOf(s.state.Load()))
	s.value = v
	if f := p.o.Hooks.OnRelease; f != nil {
		defer p.put(s)
		p.hook("Hooks.OnRelease", func() { f(v) })
		return
	}
	p.put(s)
}

// rememberBare notes that s is lent as a bare value. Called with mu held.
func (p *Pool[T]) rememberBare(s *slot[T]) {
	s.bare = true
	switch {
	case s.mapped:
	case p.canLookUp(s.value):
		s.mapped = true
		s.sameValue = p.bare[s.value]
		p.bare[s.value] = s
	default:
		p.bareOut = append(p.bareOut, s)
	}
}

// takeBare finds the lent slot of v. known says, where there is none, that v
// belongs to the pool nevertheless, or that it cannot be told. Called with mu
// held.
func (p *Pool[T]) takeBare(v T) (s *slot[T], known bool) {
	if !p.canLookUp(v) {
		last := len(p.bareOut) - 1
		if last < 0 {
			return nil, true
		}
		s = p.bareOut[last]
		p.bareOut[last] = nil
		p.bareOut = p.bareOut[:last]
		s.bare = false
		return s, true
	}
	for s = p.bare[v]; s != nil; s = s.sameValue {
		known = true
		if s.bare {
			s.bare = false // of two Releases at once only one may take it
			return s, true
		}
	}
	return nil, known
}

// forgetBare drops s from the map. Called with mu held.
func (p *Pool[T]) forgetBare(s *slot[T]) {
	if !s.mapped {
		return
	}
	s.mapped = false
	first := p.bare[s.value]
	if first == s {
		if s.sameValue == nil {
			delete(p.bare, s.value)
		} else {
			p.bare[s.value] = s.sameValue
		}
		return
	}
	for t := first; t != nil; t = t.sameValue {
		if t.sameValue == s {
			t.sameValue = s.sameValue
			return
		}
	}
}

// canLookUp tells whether v can be a map key that is found again: a comparable
// interface type may hold a value that is not, and NaN equals nothing.
func (p *Pool[T]) canLookUp(v T) bool {
	if !p.comparable {
		return false
	}
	rv := reflect.ValueOf(&v).Elem()
	if rv.Kind() == reflect.Interface && !rv.Comparable() {
		return false
	}
	return any(v) == any(v)
}
