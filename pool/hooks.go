package pool

import "runtime/debug"

// hook calls a function of the user and returns its panic, after having counted
// and reported it.
func (p *Pool[T]) hook(op string, f func()) (err *PanicError) {
	returned := false
	defer func() {
		if !returned {
			err = &PanicError{Op: op, Value: recover(), Stack: debug.Stack()}
			p.reportPanic(err)
		}
	}()
	f()
	returned = true
	return nil
}

// reportPanic counts a panic of the user's code and tells of it. A panic of
// OnPanic itself is only counted.
func (p *Pool[T]) reportPanic(err *PanicError) {
	p.mu.Lock()
	p.counts.Panics++
	p.mu.Unlock()
	if l := p.o.Logger; l != nil {
		l.Error(err.Error(), "stack", string(err.Stack))
	}
	if f := p.o.Hooks.OnPanic; f != nil && err.Op != "Hooks.OnPanic" {
		p.hook("Hooks.OnPanic", func() { f(err) })
	}
}
