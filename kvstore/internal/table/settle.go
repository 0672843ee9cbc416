package table

// Unsettled tells whether there is something for Settle to do.
func (t *Table) Unsettled() bool {
	return t.unplaced || len(t.pending) != 0 || t.again || t.sweep != 0 || t.placed && t.old != nil
}

// Settle moves some records to where they are found soonest, of n cells or a few more.
// All Refs may change. Once, when the table has become large enough for hints, it moves
// all, so that the memory of the others is not lost. If the index is moving, it goes on
// with that first, since look-ups know the hints of the new groups only at the end.
func (t *Table) Settle(n int) {
	for ; n > 0 && t.old != nil; n -= cells {
		t.step(t.load, t.hashOf)
	}
	if n > 0 && t.unplaced {
		t.Compact()
		return
	}
	for ; n > 0 && len(t.pending) > 0; n-- {
		last := len(t.pending) - 1
		t.settle(t.pending[last])
		t.pending = t.pending[:last]
	}
	for ; n > 0 && (t.again || t.sweep != 0); n -= cells {
		if t.sweep == 0 {
			t.again = false
		}
		t.sweep = t.settleGroup(t.sweep)
	}
}

// settleGroup settles the cells of the group at a place in the order of the hashes, and
// returns the place behind; 0 is the end.
func (t *Table) settleGroup(pos uint64) uint64 {
	for c := range uint64(cells) {
		t.settle(pos | c<<8)
	}
	shift := t.shift
	if t.old != nil {
		shift = min(shift, t.oldShift)
	}
	return (pos>>shift + 1) << shift
}

// settle moves the cell of a hash, unless it is where its hint says.
func (t *Table) settle(h uint64) {
	hint := t.hint(h)
	if hint == nil {
		return
	}
	var refs [mostInCell]*Ref
	var sizes, numbers [mostInCell]int
	n := t.members(h, &refs)
	if n == 0 {
		return
	}
	right := *hint != 0
	for i, ref := range refs[:n] {
		sizes[i] = t.Size(*ref)
		its := t.hashOf(*ref)
		numbers[i] = numberOf(its)
		right = right && *ref == t.lineRef(int(*hint>>stepBits), lineOf(*hint, its))
	}
	if right {
		return
	}
	for i := range n {
		for j := range i {
			if numbers[i] == numbers[j] {
				return
			}
		}
	}
	to, ok := t.seek(numbers[:n])
	if !ok {
		return
	}
	*hint = to
	for i := range n {
		line := (int(to)<<3 + numbers[i]) & lineMask
		t.takeLine(int(to>>stepBits), line)
		r := t.lineRef(int(to>>stepBits), line)
		copy(t.block(r)[:sizes[i]], t.block(*refs[i]))
		t.release(*refs[i], sizes[i])
		*refs[i] = r
	}
}

// members returns where the index has the records of the size of a line in the cell of a
// hash; none, if there are too many.
func (t *Table) members(h uint64, refs *[mostInCell]*Ref) (n int) {
	var in [2 * slots]*Ref
	for g := t.home(h); ; g = &t.over[g.next()] {
		for i := 0; i < slots && g.refs[i] != 0; i++ {
			if r := g.refs[i]; g.tag(i)%cells == tagOf(h)%cells && r&bigFlag == 0 {
				if n == len(in) {
					return 0
				}
				in[n] = &g.refs[i]
				t.loaded += t.load(r) // of all at the same time
				n++
			}
		}
		if g.next() == 0 {
			break
		}
	}
	found := 0
	for _, ref := range in[:n] {
		if !isLine(t.Size(*ref)) {
			continue
		}
		if found == len(refs) {
			return 0
		}
		refs[found] = ref
		found++
	}
	return found
}
