//go:build !gc || kvstore_portable

package server

import "runtime"

// yield lets other goroutines run.
func yield() { runtime.Gosched() }

// pause takes the time of the other one, but does not spare the core.
func pause(n uint32) {
	for range n {
		pauseNothing()
	}
}

//go:noinline
func pauseNothing() {}
