package kvstore

import (
	"errors"
	"sync/atomic"
	"time"
)

// background is what INFO tells of work in the background: saving, and rewriting the
// log. One goroutine at a time does each.
type background struct {
	running, failed atomic.Bool
	began           atomic.Int64 // uptime in nanoseconds
	took            atomic.Int64 // nanoseconds of the last one, -1: there was none
	at              atomic.Int64 // Unix seconds of the last success
	tried           atomic.Int64 // and of the last end of all
	runs            atomic.Int64 // successes
	failures        atomic.Int64 // since the last of them
	done, total     atomic.Int64 // keys
}

// announce is for what begins soon, on a goroutine of its own.
func (b *background) announce(db *DB) {
	b.done.Store(0)
	b.total.Store(0)
	b.began.Store(int64(db.uptime()))
	b.running.Store(true)
}

// begin is called with no stripe locked.
func (b *background) begin(db *DB) {
	total := 0
	for i := range db.sp.DBs() {
		n, _ := db.sp.Len(i)
		total += n
	}
	b.announce(db)
	b.total.Store(int64(total))
}

func (b *background) end(db *DB, err error) {
	b.running.Store(false)
	if errors.Is(err, errFlushed) {
		return // nobody wants it any more
	}
	b.failed.Store(err != nil)
	b.took.Store(int64(db.uptime()) - b.began.Load())
	now := db.now().Unix()
	b.tried.Store(now)
	if err != nil {
		b.failures.Add(1)
		return
	}
	b.at.Store(now)
	b.runs.Add(1)
	b.failures.Store(0)
}

// last is how long the last one has taken in seconds, -1 if there was none.
func (b *background) last() int64 {
	if b.took.Load() < 0 {
		return -1
	}
	return b.took.Load() / int64(time.Second)
}

// current is for how long the present one runs, -1 if there is none.
func (b *background) current(db *DB) int64 {
	if !b.running.Load() {
		return -1
	}
	return (int64(db.uptime()) - b.began.Load()) / int64(time.Second)
}

func (b *background) status() string {
	if b.failed.Load() {
		return "err"
	}
	return "ok"
}
