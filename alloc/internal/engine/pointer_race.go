//go:build race

package engine

import "unsafe"

// at makes a pointer in a way that checkptr, which comes with the race detector,
// does not mind: to it, addresses in Go's heap are not for computing.
func at(u uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&u)) }
