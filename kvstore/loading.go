package kvstore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// loading is what a DB knows while it reads what is stored. Who reads changes the keys
// without their locks: it holds mu, and gives it to others now and then, for the
// commands that are run meanwhile. Methods wait until done is closed.
type loading struct {
	active atomic.Bool   // until it has succeeded
	done   chan struct{} // closed at the end
	err    error         // set before done is closed
	began  time.Time
	logged bool // there will be a log

	mu      sync.Mutex
	total   int64         // guarded by mu; bytes of all files
	before  int64         // guarded by mu; of those that were read
	loaded  int64         // guarded by mu; bytes that were read
	turned  int64         // guarded by mu; loaded when others were let in
	told    time.Duration // guarded by mu; uptime when the log was told of the progress
	keys    int64         // guarded by mu; that came from snapshots
	usedMem int64         // guarded by mu; bytes that the writer of the snapshot has used for keys
}

const (
	keysPerTurn  = 256  // that are read before turn is called
	partsPerTurn = 4096 // likewise, of collections

	tellEach = time.Second // how far the loading is
)

const msgLoading = "LOADING Redis is loading the dataset in memory"

// startLoading reads what is in the folder, in the background if that is wanted.
func (db *DB) startLoading(o *Options) error {
	l := &db.loading
	l.began = db.now()
	l.logged = !o.NoLog
	l.active.Store(true)
	db.sp.Guard(true)
	l.mu.Lock() // before anybody can ask for something
	if o.LoadInBackground {
		db.wg.Go(db.loadFolder)
		return nil
	}
	db.loadFolder()
	return l.err
}

// loadFolder reads what is in the folder, and opens the log. loading.mu is held, and is
// given back.
func (db *DB) loadFolder() {
	l := &db.loading
	defer close(l.done)
	began := db.uptime()
	defer l.mu.Unlock()
	imported, err := db.openFolder()
	if err == nil && imported != "" {
		err = db.replaceImported(imported)
	}
	l.err = err
	db.sp.Lock(keyspace.All)
	defer db.sp.Unlock(keyspace.All) // which publishes what was loaded without locks
	if err != nil {
		db.sp.Replace(db.sp.NewLike(db.sp.DBs())) // nobody is to see a part
		return
	}
	db.sp.Guard(false)
	l.active.Store(false)
	db.logger.Info("DB loaded", "bytes", l.total, "seconds", (db.uptime() - began).Seconds())
}

// turn is called by who loads, with the number of keys or commands since the last call,
// and how far it is in the file. It lets others in when so many bytes were loaded as
// loading-process-events-interval-bytes says.
func (db *DB) turn(n, at int64) error {
	l := &db.loading
	l.loaded = l.before + at
	if now := db.uptime(); now-l.told >= tellEach {
		l.told = now
		db.logger.Info("loading", "bytes", l.loaded, "of", l.total)
	}
	if l.loaded-l.turned >= db.conf.loadTurn.Load() || db.conf.loadDelay.Load() != 0 {
		l.turned = l.loaded
		l.mu.Unlock()
		db.delay(n, &db.conf.loadDelay, db.closed.Load)
		l.mu.Lock()
	}
	if db.closed.Load() {
		return ErrClosed
	}
	return nil
}

// delay waits for as many microseconds as an option says for each of n keys, or if that is
// negative for one of so many keys, unless nobody wants the keys any more.
func (db *DB) delay(n int64, option *atomic.Int64, ended func() bool) {
	for began := db.uptime(); !ended(); {
		micros := option.Load() * n // it may be changed meanwhile
		if each := option.Load(); each < 0 {
			micros = n / -each
		}
		if db.uptime()-began >= time.Duration(micros)*time.Microsecond {
			return
		}
		select {
		case <-db.stop:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// WaitLoaded returns when what is stored is there, or the error that Open would have
// returned without Options.LoadInBackground, after which the DB is only good for Close.
func (db *DB) WaitLoaded(ctx context.Context) error {
	select {
	case <-db.loading.done:
		return db.loading.err
	default:
	}
	select {
	case <-db.loading.done:
		return db.loading.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ready returns when methods may use the keys, or why they may not.
func (db *DB) ready() error {
	if !db.loading.active.Load() && !db.closed.Load() {
		return nil
	}
	<-db.loading.done // Close ends it
	if db.closed.Load() {
		return ErrClosed
	}
	return db.loading.err
}

// readyIn is ready, but waits no longer than ctx.
func (db *DB) readyIn(ctx context.Context) error {
	select {
	case <-db.loading.done:
		return db.ready()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hasLog tells whether there is a log, or will be when everything is loaded.
func (db *DB) hasLog() bool {
	return db.log.Load() != nil || db.loading.active.Load() && db.loading.logged
}

// execEarly is exec for sessions that began before everything was loaded. It waits for
// its turn, so that what is loaded at once is there for the first command.
func (s *Session) execEarly(a [][]byte) {
	l := &s.db.loading
	l.mu.Lock()
	if l.active.Load() {
		defer l.mu.Unlock()
	} else {
		l.mu.Unlock()
		s.early = false
		s.setSpecial()
	}
	s.exec(a)
}

// whileLoading tells whether a command is run while the data are loaded: those that are
// not, and transactions with one of them, are refused.
func (c *command) whileLoading(m *multiState) bool {
	if c.flags&fLoading == 0 {
		return false
	}
	if c.upper != "EXEC" || m == nil {
		return true
	}
	for _, q := range m.queue {
		if q.cmd.flags&fLoading == 0 {
			return false
		}
	}
	return true
}

// info tells how far the loading is. Its mutex is held.
func (l *loading) info(now time.Time, t *infoText) {
	part, eta := 0.0, int64(1)
	if l.loaded > 0 {
		part = float64(l.loaded) / float64(max(l.total, l.loaded))
		eta = int64(now.Sub(l.began).Seconds() * (1 - part) / part)
	}
	t.add("loading_start_time", l.began.Unix())
	t.add("loading_total_bytes", l.total)
	t.add("loading_rdb_used_mem", l.usedMem)
	t.add("loading_loaded_bytes", l.loaded)
	t.add("loading_loaded_perc", fmt.Sprintf("%.2f", 100*part))
	t.add("loading_eta_seconds", eta)
}
