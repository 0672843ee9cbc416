//go:build !gc || kvstore_portable

package server

import "runtime"

// yield lets other goroutines run.
func yield() { runtime.Gosched() }
