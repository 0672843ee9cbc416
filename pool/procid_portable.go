//go:build !gc || pool_portable

package pool

import "unsafe"

// procHint spreads goroutines by the addresses of their stacks, which needs
// nothing of the runtime. Build with the tag pool_portable to have it.
func procHint() int {
	var here byte
	return int(uintptr(unsafe.Pointer(&here)) >> 13 & 0xffff)
}
