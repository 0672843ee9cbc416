package kvstore

import (
	"bytes"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// MostPrefetched is how many commands [Session.Prefetch] looks at.
const MostPrefetched = keyspace.MostTouched

// Prefetch loads into the processor's cache what a few commands, which are about to
// be run by Exec, will look at: the first argument behind the name of each is taken
// for a key, and where all are of the same hash or set, the next one for what is
// looked for in it. It changes nothing.
func (s *Session) Prefetch(commands [][][]byte) {
	if s.dbi != 0 || s.early || s.prefetchFields(commands) {
		return
	}
	var hashes [MostPrefetched]uint64
	s.touched += s.db.sp.Touch(s.firstHashes(commands, &hashes))
}

// firstHashes returns the hashes of the first arguments, in to.
func (s *Session) firstHashes(commands [][][]byte, to *[MostPrefetched]uint64) []uint64 {
	n := 0
	for _, a := range commands {
		if len(a) > 1 && n < len(to) {
			to[n] = s.db.sp.Hash(a[1])
			n++
		}
	}
	return to[:n]
}

// prefetchFields tells whether the commands are for one key in which they may look
// for something. Names of such commands begin with H, S, or Z.
func (s *Session) prefetchFields(commands [][][]byte) bool {
	first, last := commands[0], commands[len(commands)-1]
	if len(first) < 3 || len(last) < 3 || len(first[0]) == 0 || s.held != 0 {
		return false
	}
	if c := first[0][0] | 0x20; c != 'h' && c != 's' && c != 'z' {
		return false
	}
	key := first[1]
	if !bytes.Equal(last[1], key) {
		return false
	}
	var fields [MostPrefetched][][]byte
	commands = commands[:min(len(commands), len(fields))]
	for i, a := range commands {
		if len(a) < 3 || !bytes.Equal(a[1], key) {
			return false
		}
		fields[i] = a[2:]
	}
	h := s.db.sp.Hash(key)
	m := keyspace.MaskOf(h)
	s.lock(m, false)
	s.touched += s.db.sp.Shard(0, h).TouchFields(h, key, fields[:len(commands)])
	s.unlock(m, false)
	return true
}
