package pool

import "github.com/groundwork-go/groundwork/pool/internal/protect"

// hook calls a function of the user and returns its panic, after having counted
// and reported it.
func (p *Pool[T]) hook(op string, f func()) (err *PanicError) {
	protect.Call(f, func(value any, stack []byte) {
		err = &PanicError{Op: op, Value: value, Stack: stack}
		p.reportPanic(err)
	})
	return err
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
