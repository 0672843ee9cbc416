//go:build gc && !kvstore_portable

package server

import _ "unsafe" // for go:linkname

// pause has the processor pause for some ten nanoseconds times n, which leaves more of
// its core to the other thread there.
//
//go:linkname pause runtime.procyield
func pause(n uint32)
