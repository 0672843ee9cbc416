package value

import (
	"hash/maphash"
	"iter"
	"math/bits"
)

// Map is a map that keeps the order in which keys were added: an array of entries
// and, for more than a few, an open-addressing table of their indices.
type Map struct {
	Obj
	Strings bool // keys are strings, else words
	entries []entry
	index   []int32 // entry + 1; 0 is free; length is a power of two
	live    int
	// Changes counts added and removed keys, so that loops can notice them.
	Changes uint64
	seed    maphash.Seed // of strings; the order does not depend on it
}

type entry struct {
	key  Value // of a removed entry: dead
	val  Value
	hash uint32
	dead bool
}

// linear is how many entries are searched without a table.
const linear = 8

// NewMap returns an empty map.
func NewMap(strings bool) *Obj {
	m := &Map{Obj: Obj{KMap}, Strings: strings}
	if strings {
		m.seed = maphash.MakeSeed()
	}
	return &m.Obj
}

// Len returns the number of keys.
func (m *Map) Len() int { return m.live }

// Bytes is the memory that the map takes besides what it refers to.
func (m *Map) Bytes() int { return 96 + 48*cap(m.entries) + 4*len(m.index) }

// Growth is how many bytes one more key may take.
func (m *Map) Growth() int {
	if len(m.entries) < cap(m.entries) {
		return 0
	}
	return 48*(cap(m.entries)+8) + 8*len(m.index)
}

func (m *Map) hash(k Value) uint32 {
	if m.Strings {
		return uint32(maphash.String(m.seed, k.Str()))
	}
	hi, lo := bits.Mul64(k.N^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return uint32(hi ^ lo)
}

func (m *Map) same(e *entry, h uint32, k Value) bool {
	if e.hash != h || e.dead {
		return false
	}
	if m.Strings {
		return e.key.Str() == k.Str()
	}
	return e.key.N == k.N
}

// find returns the entry of a key, or -1.
func (m *Map) find(h uint32, k Value) int {
	if m.index == nil {
		for i := range m.entries {
			if m.same(&m.entries[i], h, k) {
				return i
			}
		}
		return -1
	}
	mask := uint32(len(m.index) - 1)
	for slot := h & mask; ; slot = (slot + 1) & mask {
		i := m.index[slot]
		if i == 0 {
			return -1
		}
		if m.same(&m.entries[i-1], h, k) {
			return int(i - 1)
		}
	}
}

// Get returns the value of a key.
func (m *Map) Get(k Value) (Value, bool) {
	if i := m.find(m.hash(k), k); i >= 0 {
		return m.entries[i].val, true
	}
	return Value{}, false
}

// Set sets the value of a key, which is added at the end if it is new.
func (m *Map) Set(k, v Value) {
	h := m.hash(k)
	if i := m.find(h, k); i >= 0 {
		m.entries[i].val = v
		return
	}
	m.Changes++
	if len(m.entries) == cap(m.entries) && m.live <= len(m.entries)*3/4 {
		m.compact()
	}
	m.entries = append(m.entries, entry{key: k, val: v, hash: h})
	m.live++
	switch n := len(m.entries); {
	case m.index == nil && n <= linear:
	case m.index == nil || n*4 > len(m.index)*3:
		m.reindex()
	default:
		m.enter(h, n-1)
	}
}

func (m *Map) enter(h uint32, i int) {
	mask := uint32(len(m.index) - 1)
	slot := h & mask
	for m.index[slot] != 0 {
		slot = (slot + 1) & mask
	}
	m.index[slot] = int32(i + 1)
}

// reindex makes a table that is at most three eighths full. Entries that are dead
// stay in it, so that the chains of others hold.
func (m *Map) reindex() {
	size := 32
	for size*3 < len(m.entries)*8 {
		size *= 2
	}
	m.index = make([]int32, size)
	for i := range m.entries {
		m.enter(m.entries[i].hash, i)
	}
}

// compact removes the dead entries.
func (m *Map) compact() {
	kept := m.entries[:0]
	for _, e := range m.entries {
		if !e.dead {
			kept = append(kept, e)
		}
	}
	clear(m.entries[len(kept):])
	m.entries = kept
	if m.index != nil {
		m.reindex()
	}
}

// Delete removes a key if it is there.
func (m *Map) Delete(k Value) {
	i := m.find(m.hash(k), k)
	if i < 0 {
		return
	}
	m.Changes++
	m.live--
	m.entries[i].dead = true
	m.entries[i].key, m.entries[i].val = Value{}, Value{}
}

// Clear removes all keys.
func (m *Map) Clear() {
	if m.live > 0 {
		m.Changes++
	}
	m.entries, m.index, m.live = nil, nil, 0
}

// Copy returns a map with the same entries.
func (m *Map) Copy() *Obj {
	p := NewMap(m.Strings)
	c := p.Map()
	c.entries = make([]entry, 0, m.live)
	for k, v := range m.All() {
		c.Set(k, v)
	}
	return p
}

// Next returns the place of the first entry at or behind place i, or -1. Places
// are valid as long as Changes stays the same.
func (m *Map) Next(i int) int {
	for ; i < len(m.entries); i++ {
		if !m.entries[i].dead {
			return i
		}
	}
	return -1
}

// Entry returns the key and value at a place that Next gave.
func (m *Map) Entry(i int) (k, v Value) { return m.entries[i].key, m.entries[i].val }

// All yields keys and values in order.
func (m *Map) All() iter.Seq2[Value, Value] {
	return func(yield func(k, v Value) bool) {
		for i := m.Next(0); i >= 0; i = m.Next(i + 1) {
			if !yield(m.entries[i].key, m.entries[i].val) {
				return
			}
		}
	}
}
