package keyspace

// Str returns the string, good until the shard is unlocked or changed.
func (e Entry) Str() []byte { return e.payload() }

// Raw tells whether the string was changed in place.
func (e Entry) Raw() bool { return e.meta()&flagRaw != 0 }

// SetRaw notes that it was.
func (e Entry) SetRaw() { e.s.tab.SetMeta(e.r, e.meta()|flagRaw) }

// SetText notes that the string is text even if it looks like an integer.
func (e Entry) SetText() { e.s.tab.SetMeta(e.r, e.meta()|flagText) }

// SetString makes a key a string; e is what FindWrite found. Its time to live ends
// unless keepTTL. v must not be of the shard.
func (s *Shard) SetString(e Entry, key, v []byte, keepTTL bool) Entry {
	if !e.Exists() {
		e = s.insert(e.h, key, encString, len(v))
		copy(e.payload(), v)
		return e
	}
	e.dropObject()
	m := e.meta()
	n := len(v)
	if m&flagTTL != 0 {
		if keepTTL {
			n += 8
		} else {
			m &^= flagTTL
			s.expiring--
		}
	}
	e.r = s.tab.Resize(e.h, e.r, n)
	s.tab.SetMeta(e.r, m&flagTTL|uint32(encString)<<encShift|s.sp.clock.Load()&clockMask)
	copy(e.payload(), v)
	return e
}

// GrowString makes the string n bytes long, with zeros at its end, and returns it
// for writing. It counts as changed in place.
func (e *Entry) GrowString(n int) []byte {
	old := len(e.payload())
	p := e.payload()
	if n > old {
		p = e.resize(n)
		clear(p[old:])
	}
	e.SetRaw()
	return p
}

// AppendString appends to the string.
func (e *Entry) AppendString(v []byte) {
	old := len(e.payload())
	copy(e.resize(old + len(v))[old:], v)
	e.SetRaw()
}
