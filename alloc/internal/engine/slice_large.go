//go:build !(race || 386 || arm || mips || mipsle || wasm)

package engine

const sliceShift = 16
