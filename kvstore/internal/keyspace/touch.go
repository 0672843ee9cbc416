package keyspace

import "github.com/groundwork-go/groundwork/kvstore/internal/table"

// MostTouched is how many keys Touch takes at a time.
const MostTouched = 16

// Touch loads into the processor's cache what will be looked at to find keys of
// database 0, by their hashes, at most MostTouched: the groups of the index first, then
// the records, so that the processor waits for all of a kind at the same time. It takes
// no lock; stripes that cannot be read without theirs are left out. The result has no
// meaning.
func (sp *Space) Touch(hashes []uint64) (sum byte) {
	var found [MostTouched]*table.Record
	for i, h := range hashes {
		if st := sp.Stripe(h); !st.Version().Busy() {
			found[i] = st.Layout().First(h)
		}
	}
	for _, r := range found[:len(hashes)] {
		if r != nil {
			sum += r.Touch()
		}
	}
	return sum
}
