package table

import "math/bits"

// Touch loads into the processor's cache the group in which Find will look for a
// hash, and returns the record that it will find there, most likely, or 0. Touching
// several hashes one after the other takes little longer than one of them: the
// processor waits for all their cache lines at the same time.
func (t *Table) Touch(h uint64) Ref {
	g := t.home(h)
	m, m2 := g.match(tagOf(h))
	i := bits.TrailingZeros64(m) >> 3 // 8 for none
	if m == 0 {
		i += bits.TrailingZeros32(m2) >> 3 // 12 for none
	}
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
