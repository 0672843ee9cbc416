//go:build !(race || 386 || arm || mips || mipsle || wasm)

package engine

const (
	NumClasses = 96       // the number of size classes
	MaxSmall   = 32 << 10 // the largest block that has a class, in bytes

	sliceShift = 16
	maxWords   = 32
	pageLines  = 11 // an odd number, so that headers lie in different sets of the cache
)
