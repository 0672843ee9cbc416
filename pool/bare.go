package pool

import "reflect"

// The bare style lends values without handles, so that Release has to find the
// slot of a value again: by a map where T can be compared, else by taking any
// slot that was lent bare and putting the value into it.

// rememberBare notes that s is lent as a bare value. Called with mu held.
func (p *Pool[T]) rememberBare(s *slot[T]) {
	s.bare = true
	if !p.canLookUp(s.value) {
		p.bareOut = append(p.bareOut, s)
		return
	}
	for t := p.bare[s.value]; t != nil; t = t.sameValue {
		if t == s {
			return
		}
	}
	s.sameValue = p.bare[s.value]
	p.bare[s.value] = s
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
		p.bareOut = p.bareOut[:last]
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
	if !p.canLookUp(s.value) {
		return
	}
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
