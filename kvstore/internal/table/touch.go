package table

import "math/bits"

// Touch loads into the processor's cache the group in which Find will look for a
// hash, and returns the record that it will find there, most likely, or 0. Touching
// several hashes one after the other takes little longer than one of them: the
// processor waits for all their cache lines at the same time.
func (t *Table) Touch(h uint64) Ref {
	g := t.home(h)
	i := bits.TrailingZeros32(g.match(tagOf(h)))
	if i >= slots {
		return 0
	}
	return g.refs[i]
}

// TouchRecord loads the beginning of a record. What it returns is of no use but to
// keep the compiler from leaving the load out.
func (t *Table) TouchRecord(r Ref) byte {
	if r == 0 {
		return 0
	}
	return t.block(r)[0]
}
