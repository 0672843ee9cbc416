//go:build gc && !pool_portable

package pool

import _ "unsafe" // for go:linkname

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// procHint tells on which of the scheduler's processors the caller runs. It may
// be wrong as soon as it returns: what it picks must be safe for all. Of what the
// runtime offers this is the cheapest, 2 ns in BenchmarkProcHint; the function of
// procid_portable.go is the plain version.
func procHint() int {
	n := procPin()
	procUnpin()
	return n
}
