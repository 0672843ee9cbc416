package keyspace

import "github.com/groundwork-go/groundwork/kvstore/internal/table"

// MostTouched is how many keys Touch takes at a time.
const MostTouched = 16

// Touch loads into the processor's cache what will be looked at to find keys of
// database 0, by their hashes, at most MostTouched: the groups of the index and the
// records that are guessed first, then the others, so that the processor waits for all
// of a kind at the same time. It takes no lock; stripes that cannot be read without theirs are left out. The result has no
// meaning.
func (sp *Space) Touch(hashes []uint64) byte {
	var found [MostTouched]*table.Record
	var sum byte
	for i, h := range hashes {
		if st := sp.Stripe(h); !st.Version().Busy() {
			l := st.Layout()
			if l.Placed() {
				sum += l.Guess(h).Touch()
			}
			found[i] = l.First(h)
		}
	}
	return sum + touch(found[:len(hashes)])
}

// TouchOwn is Touch for any database, for those who have locked the stripes for
// writing, or whose space nobody else knows. Nothing is guessed: most keys are new ones.
func (sp *Space) TouchOwn(db int, hashes []uint64) byte {
	var found [MostTouched]*table.Record
	for i, h := range hashes {
		if s := sp.Shard(db, h); s != nil {
			found[i] = s.tab.Layout().First(h)
		}
	}
	return touch(found[:len(hashes)])
}

func touch(found []*table.Record) (sum byte) {
	for _, r := range found {
		if r != nil {
			sum += r.Touch()
		}
	}
	return sum
}

// TouchFields is Touch for what commands that follow one another look for in one key:
// fields of a large hash, members of a large set or sorted set. Each command is its
// arguments behind the key. The shard is locked for reading.
func (s *Shard) TouchFields(h uint64, key []byte, commands [][][]byte) (sum byte) {
	e := s.Find(h, key)
	if !e.Exists() || !e.enc().large() || e.enc() == encList {
		return 0
	}
	t, sorted := e.object().tab, e.enc() == encZSet
	var hashes [MostTouched]uint64
	var found [MostTouched]table.Ref
	commands = commands[:min(len(commands), MostTouched)]
	for i, args := range commands {
		field := args[0]
		if sorted {
			field = args[len(args)-1] // a score may come before it
		}
		hashes[i] = t.Hash(field)
	}
	for i := range commands {
		found[i] = t.First(hashes[i])
	}
	for i := range commands {
		sum += t.Touch(found[i])
	}
	return sum
}
