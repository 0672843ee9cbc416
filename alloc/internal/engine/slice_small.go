//go:build race || 386 || arm || mips || mipsle || wasm

package engine

// Small slices serve 32-bit systems, and the race detector, under which a segment
// is an object of Go's heap.
const (
	NumClasses = 80              // the number of size classes
	MaxSmall   = 1 << sliceShift // the largest block that has a class, in bytes

	sliceShift = 14
	maxWords   = 16
	pageLines  = 7 // an odd number, so that headers lie in different sets of the cache
)
