//go:build !(race || 386 || arm || mips || mipsle || wasm)

package engine

const (
	sliceShift = 16
	maxWords   = 32
	pageLines  = 11 // an odd number, so that headers lie in different sets of the cache
)
