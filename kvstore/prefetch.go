package kvstore

import "github.com/groundwork-go/groundwork/kvstore/internal/keyspace"

// MostPrefetched is how many commands [Session.Prefetch] looks at.
const MostPrefetched = keyspace.MostTouched

// Prefetch loads into the processor's cache what a few commands, which are about to
// be run by Exec, will look at: the first argument behind the name of each is taken
// for a key. It changes nothing and takes no lock.
func (s *Session) Prefetch(commands [][][]byte) {
	if s.dbi != 0 {
		return
	}
	var hashes [MostPrefetched]uint64
	n := 0
	for _, a := range commands {
		if len(a) > 1 && n < len(hashes) {
			hashes[n] = s.db.sp.Hash(a[1])
			n++
		}
	}
	s.touched += s.db.sp.Touch(hashes[:n])
}
