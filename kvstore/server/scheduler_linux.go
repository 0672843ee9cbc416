//go:build gc && !kvstore_portable

package server

import _ "unsafe" // for go:linkname

// yield lets goroutines run that wait for this processor of Go's. runtime.Gosched wakes
// another thread besides, which runs on the core where the clients do, and often takes
// this goroutine along.
//
//go:linkname yield runtime.goyield
func yield()

// pause has the processor pause for some ten nanoseconds times n, which leaves more of
// its core to the other thread there.
//
//go:linkname pause runtime.procyield
func pause(n uint32)
