package kvstore

import (
	"sync"
	"time"
)

// rates are what INFO calls instantaneous: over the last one and a half seconds.
type rates struct {
	mu       sync.Mutex
	readings [16]reading // guarded by mu; a ring
	n        int         // guarded by mu; of all that were taken
}

// A reading is what the counters showed at a time.
type reading struct {
	at                time.Duration
	commands, in, out int64
}

func (r *rates) take(now reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readings[r.n%len(r.readings)] = now
	r.n++
}

// perSecond returns commands and bytes for each second.
func (r *rates) perSecond() (commands, in, out float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n < 2 {
		return 0, 0, 0
	}
	size := len(r.readings)
	first, last := &r.readings[max(r.n-size, 0)%size], &r.readings[(r.n-1)%size]
	seconds := (last.at - first.at).Seconds()
	if seconds <= 0 || last.commands < first.commands { // CONFIG RESETSTAT
		return 0, 0, 0
	}
	per := func(from, to int64) float64 { return float64(to-from) / seconds }
	return per(first.commands, last.commands), per(first.in, last.in), per(first.out, last.out)
}

// measure is called by cron.
func (db *DB) measure() {
	st := &db.stats
	db.rates.take(reading{db.uptime(), st.commands.Load(), st.netIn.Load(), st.netOut.Load()})
}
