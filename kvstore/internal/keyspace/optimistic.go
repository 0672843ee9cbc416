package keyspace

import (
	"encoding/binary"
	"unsafe"

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// A Stripe is read without its lock like this: take its version; unless that is busy,
// look for keys of database 0 in its layout; what was found is true if the version is
// still the same, for no writer came in between. Nothing is written to memory that
// others read, so that the processors need not tell each other, and each may look for
// the next key before it has the last one.
type Stripe stripe

// Stripe returns the stripe of a hash.
func (sp *Space) Stripe(h uint64) *Stripe {
	return (*Stripe)(unsafe.Add(unsafe.Pointer(sp.stripes), uintptr(h%Stripes)*unsafe.Sizeof(stripe{})))
}

// A Version is the state of a stripe.
type Version uint64

// Version returns the present one.
func (st *Stripe) Version() Version { return Version(st.state.Load()) }

// Busy tells whether the stripe cannot be read without its lock now.
func (v Version) Busy() bool { return v&(writing|guarded) != 0 }

// Since tells whether there was a writer since the version v, which was not busy.
func (st *Stripe) Since(v Version) bool { return (st.state.Load()^uint64(v))/writing != 0 }

// Stayed tells whether the version v was not busy and there was no writer since.
func (st *Stripe) Stayed(v Version) bool {
	return st.state.Load()^uint64(v&^(writing|guarded)) < writing
}

// Layout returns where to look.
func (st *Stripe) Layout() *table.Layout { return st.first.Load() }

// Clock returns the time of SetClock, and by how many seconds the last use that is
// noted of a key may be behind.
func (sp *Space) Clock() (now, slack uint32) { return sp.clock.Load(), sp.slack.Load() }

// Plain tells by the meta data of a record whether it is a string that lives for ever
// and whose last use, as noted, is not behind by more than slack.
func Plain(meta, now, slack uint32) bool {
	return meta&(encMask|flagTTL) == uint32(encString)<<encShift && (now-meta)&clockMask <= slack
}

// Fresh is Plain, now and with the slack of SetClock, for most strings: not for those
// that were changed in place, nor at the turn of the clock, twice a year.
func (sp *Space) Fresh(meta uint32) bool { return sp.newest.Load()-meta <= sp.slack.Load() }

// Expiring returns the string of a record that would be plain if it did not have a
// time to live, and when that ends.
func Expiring(value []byte, meta, now, slack uint32) (v []byte, at int64, ok bool) {
	if meta&flagTTL == 0 || len(value) < 8 || !Plain(meta&^flagTTL, now, slack) {
		return nil, 0, false
	}
	return value[8:], int64(binary.LittleEndian.Uint64(value)), true
}
