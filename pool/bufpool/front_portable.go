//go:build !gc || race || pool_portable

package bufpool

// A front is empty: sync.Pool does it alone. Build with the tag pool_portable to
// have it so.
type front struct{}

// Get returns a slice of n bytes with any contents and a capacity of at most a
// quarter more. It is the caller's until Put. It panics if n is negative.
func (p *Bytes) Get(n int) []byte { return p.get(n) }

// Put keeps b, whatever it was made by, for a later Get of up to its capacity. It
// must not be used any more. What is too small or too large is dropped.
func (p *Bytes) Put(b []byte) { p.put(b) }
