package table

// First returns the record that Find will find by a hash, most likely; otherwise
// any, or 0. It loads the group and not the record.
func (t *Table) First(h uint64) Ref { return (*Group)(t.home(h)).First(h) }

// Touch loads the first and the second cache line of a record. What it returns is of
// no use but to keep the compiler from leaving the loads out.
func (t *Table) Touch(r Ref) byte {
	if r == 0 {
		return 0
	}
	b := t.block(r)
	return b[0] + b[min(48, len(b)-1)]
}
