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
		}
	}
	if flags&notifyNew != 0 {
		f.fresh = append(f.fresh, s.freshElsewhere(c, a)...)
	}
	s.foreseen = f
}

// freshElsewhere is the key that MOVE or COPY may make in another database.
func (s *Session) freshElsewhere(c *command, a [][]byte) []blockKey {
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
		return nil
	}
	key := a[1]
	if c.name == "copy" {
		key = a[2]
	}
	return []blockKey{{int(n), string(key)}}
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

// beforeEvent publishes what has to come before an event of a key.
func (s *Session) beforeEvent(at blockKey) {
	f := s.foreseen
	s.foreseen = nil // or these would ask for themselves
	for _, key := range f.missed {
		s.notify(notifyKeyMiss, "keymiss", key)
	}
	f.missed = nil
	if i := slices.Index(f.fresh, at); i >= 0 && s.db.has(at) {
		f.fresh = slices.Delete(f.fresh, i, i+1)
		s.notifyIn(at.db, notifyNew, "new", []byte(at.key))
	}
	s.foreseen = f
}

// endForeseen publishes the rest when the command has run; one that failed has looked
// at nothing.
func (s *Session) endForeseen() {
	f := s.foreseen
	if f == nil {
		return
	}
	if !s.failed {
		s.beforeEvent(blockKey{})
		for _, at := range slices.Clone(f.fresh) {
			s.beforeEvent(at)
		}
	}
	s.foreseen = nil
}
