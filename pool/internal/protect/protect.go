// Package protect calls functions of the user, whose panics must not end the
// process.
package protect

import (
	"context"
	"runtime/debug"
	"time"
)

// Call calls f, and report if f panics or ends its goroutine by runtime.Goexit,
// with what was passed to panic (nil for Goexit) and the stack. report cannot keep
// the goroutine from ending in the latter case: what must be done after it belongs
// into a deferred function of the caller.
func Call(f func(), report func(value any, stack []byte)) {
	returned := false
	defer func() {
		if !returned {
			report(recover(), debug.Stack())
		}
	}()
	f()
	returned = true
}

// Bounded calls f on a goroutine of its own and waits for it until d is over or
// parent ends, which end the context of f too; then it returns the error of that
// context. failed makes the error of a panic.
func Bounded(parent context.Context, d time.Duration, f func(context.Context) error, failed func(value any, stack []byte) error) error {
	ctx, cancel := context.WithTimeout(parent, d)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		Call(func() { done <- f(ctx) }, func(value any, stack []byte) { done <- failed(value, stack) })
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // it was its end that ended ctx
		return err
	default:
		return ctx.Err()
	}
}
