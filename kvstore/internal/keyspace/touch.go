package keyspace

import "github.com/groundwork-go/groundwork/kvstore/internal/table"

// MostTouched is how many keys Touch takes at a time.
const MostTouched = 16

// Touch loads into the processor's cache what will be looked at to find keys, by
// their hashes, at most MostTouched. Their stripes must be locked. The result has no
// meaning.
func (sp *Space) Touch(db int, hashes []uint64) (sum byte) {
	var tabs [MostTouched]*table.Table
	var refs [MostTouched]table.Ref
	for i, h := range hashes {
		if s := sp.Shard(db, h); s != nil {
			tabs[i] = s.tab
			refs[i] = s.tab.Touch(h)
		}
	}
	for i := range hashes {
		if refs[i] != 0 {
			sum += tabs[i].TouchRecord(refs[i])
		}
	}
	return sum
}
