package keyspace

import (
	"encoding/binary"

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// A Glance reads keys of database 0 in one stripe without its lock. What it finds is
// true if Still tells so afterwards: no writer came in between.
//
// Nothing is written to memory that others read, so that the processors need not
// tell each other, and each may look for the next key before it has the last one.
type Glance struct {
	st     *stripe
	layout *table.Layout
	seen   uint64
}

// Glance begins to read in the stripe of a hash. ok is false if it takes the lock.
func (sp *Space) Glance(h uint64) (g Glance, ok bool) {
	st := &sp.stripes[h%Stripes]
	s := st.state.Load()
	g = Glance{st, st.first.Load(), s / version}
	return g, optimistic && s&writing == 0 && g.layout != nil
}

// Layout returns where to look.
func (g *Glance) Layout() *table.Layout { return g.layout }

// Plain tells by the meta data of a record whether it is a string that lives for ever
// and was used in this second, or the one before it.
func Plain(meta, now uint32) bool {
	return meta&(encMask|flagTTL) == uint32(encString) && (now-meta>>8)&clockMask <= idleSlack
}

// Find looks a key up. What it finds is not checked.
func (g *Glance) Find(h uint64, key string) (r Record, a table.Answer) {
	r.value, r.meta, a = g.layout.Find(h, key)
	return r, a
}

// Still tells whether there was no writer since the beginning.
func (g *Glance) Still() bool {
	s := g.st.state.Load()
	return s/version == g.seen && s&writing == 0
}

// A Record is what a Glance has found.
type Record struct {
	value []byte
	meta  uint32
}

// Plain tells whether a record is a string that lives for ever and was used in this
// second, or the one before it.
func (r *Record) Plain(now uint32) bool {
	return r.meta&(encMask|flagTTL) == uint32(encString) && (now-r.meta>>8)&clockMask <= idleSlack
}

// idleSlack is by how many seconds the time of the last use of a key may be behind
// because it was read without the lock.
const idleSlack = 1

// Clock returns the time of SetClock.
func (sp *Space) Clock() uint32 { return sp.clock.Load() }

// Str returns the string of a plain record.
func (r *Record) Str() []byte { return r.value }

// Expiring returns the string of a record that would be plain if it did not have a
// time to live, and when that ends.
func (r *Record) Expiring(now uint32) (v []byte, at int64, ok bool) {
	plain := Record{meta: r.meta &^ flagTTL}
	if r.meta&flagTTL == 0 || len(r.value) < 8 || !plain.Plain(now) {
		return nil, 0, false
	}
	return r.value[8:], int64(binary.LittleEndian.Uint64(r.value)), true
}
