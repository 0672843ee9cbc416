package kvstore

import (
	"slices"
	"strings"
)

// foreseen are those events of the command that runs which do not come from what it
// does, but from which of its keys were not there before: keymiss and new. They are
// looked for only while somebody wants them, and are published before its others.
type foreseen struct {
	missed [][]byte
	fresh  []blockKey // their event comes if they are there then
	anew   []blockKey // those of them that may have been there: only with another event
}

// foresee is called when the keys of the command are locked.
func (s *Session) foresee(c *command, a [][]byte) {
	f := &foreseen{}
	flags := s.db.conf.notify.Load()
	for _, use := range c.keyUses(a) {
		key := a[use.at]
		there := s.db.has(blockKey{s.dbi, string(key)}) && s.peek(key).Exists()
		if flags&notifyKeyMiss != 0 && !there && c.tellsMiss(use) {
			f.missed = append(f.missed, key)
		}
		if flags&notifyNew != 0 && c.flags&fWrite != 0 && !slices.Contains(use.flags, "RO") && (!there || c.replaces()) {
			f.fresh = append(f.fresh, blockKey{s.dbi, string(key)})
			if there {
				f.anew = append(f.anew, f.fresh[len(f.fresh)-1])
			}
		}
	}
	if at, ok := s.freshElsewhere(c, a); ok && flags&notifyNew != 0 {
		f.fresh, f.anew = []blockKey{at}, []blockKey{at}
	}
	s.foreseen = f
}

// freshElsewhere is the key that MOVE or COPY may make in another database, if it is
// another one.
func (s *Session) freshElsewhere(c *command, a [][]byte) (at blockKey, ok bool) {
	var name []byte
	switch {
	case c.name == "move":
		name = a[2]
	case c.name == "copy" && len(a) > 4:
		if i := slices.IndexFunc(a[3:len(a)-1], func(b []byte) bool { return is(b, "DB") }); i >= 0 {
			name = a[3+i+1]
		}
	}
	n, ok := parseInt(name)
	if !ok || n < 0 || n >= int64(s.db.sp.DBs()) || int(n) == s.dbi {
		return at, false
	}
	key := a[1]
	if c.name == "copy" {
		key = a[2]
	}
	return blockKey{int(n), string(key)}, true
}

// tellsMiss tells whether looking for a key that is not there is an event.
func (c *command) tellsMiss(use keyUse) bool {
	switch c.name {
	case "getex", "getdel", "getset":
		return true
	case "set":
		return slices.Contains(use.flags, "RW") // with GET
	case "watch", "memory|usage":
		return false
	}
	return slices.Contains(use.flags, "RO") && !strings.HasPrefix(c.name, "object|")
}

// replaces tells whether a command makes a key anew that is there.
func (c *command) replaces() bool {
	return c.name == "rename" || c.name == "restore" || c.name == "copy"
}

// expectNew is foresee for a key that is written to outside of a command's run.
func (s *Session) expectNew(key []byte) {
	if s.db.conf.notify.Load()&notifyNew == 0 {
		return
	}
	if at := (blockKey{s.dbi, string(key)}); !s.db.has(at) {
		s.foreseen = &foreseen{fresh: []blockKey{at}}
	}
}

// beforeEvent publishes what has to come before an event: misses, and the keys that
// are there by now.
func (s *Session) beforeEvent() {
	f := s.foreseen
	s.foreseen = nil // or these would ask for themselves
	for _, key := range f.missed {
		s.notify(notifyKeyMiss, "keymiss", key)
	}
	f.missed = nil
	var later []blockKey
	for i, at := range f.fresh {
		switch {
		case slices.Contains(f.fresh[:i], at):
		case s.db.has(at):
			s.notifyIn(at.db, notifyNew, "new", []byte(at.key))
		default:
			later = append(later, at)
		}
	}
	f.fresh = later
	s.foreseen = f
}

// endForeseen publishes the misses of a command that had no event of its own. One that
// failed has looked at nothing.
func (s *Session) endForeseen() {
	if f := s.foreseen; f != nil && !s.failed {
		f.fresh = slices.DeleteFunc(f.fresh, func(at blockKey) bool { return slices.Contains(f.anew, at) })
		s.beforeEvent()
	}
	s.foreseen = nil
}
