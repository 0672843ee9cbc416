//go:build race || 386 || arm || mips || mipsle || wasm

package engine

// Small slices serve 32-bit systems, and the race detector, under which a segment
// is an object of Go's heap.
const (
	sliceShift = 14
	maxWords   = 16
	pageLines  = 7
)
