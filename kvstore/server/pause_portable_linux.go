//go:build !gc || kvstore_portable

package server

// pause takes the time of the other one, but does not spare the core.
func pause(n uint32) {
	for range n {
		pauseNothing()
	}
}

//go:noinline
func pauseNothing() {}
