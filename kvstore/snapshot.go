package kvstore

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// snapshotName is the file that SAVE writes, by default.
const snapshotName = "dump.rdb"

// snapshotPath is that file.
func (db *DB) snapshotPath() string { return filepath.Join(db.dir, *db.conf.snapshot.Load()) }

// Save writes a snapshot of the present in Redis's format (RDB version 10). Others
// read and write meanwhile.
func (db *DB) Save(w io.Writer) error {
	if err := db.ready(); err != nil {
		return err
	}
	view := db.sp.Open()
	defer view.Close()
	return db.saveView(context.Background(), view, w, nil)
}

// saveView writes a view. Background work, if that is what it is, is told how far it is.
func (db *DB) saveView(ctx context.Context, view *keyspace.View, w io.Writer, work *background) error {
	rw := rdb.NewWriter(w, &rdb.WriterOptions{NoCompression: !db.conf.compress.Load(), NoChecksum: !db.conf.checksum.Load()})
	rw.Aux("redis-ver", redisVersion)
	rw.Aux("redis-bits", "64")
	rw.Aux("ctime", strconv.FormatInt(db.now().Unix(), 10))
	rw.Aux("used-mem", strconv.FormatInt(db.live(), 10))
	rw.Aux("aof-base", strconv.Itoa(zeroOrOne(work == &db.rewrites)))
	for dbi := range db.sp.DBs() {
		keys, expiring := view.Len(dbi)
		begun, n := false, int64(0)
		err := view.Drain(dbi, func(key []byte, e keyspace.Entry, old *keyspace.Value) error {
			if !begun {
				rw.Database(dbi, keys, expiring)
				begun = true
			}
			n++
			k := rdb.Key{Name: key}
			if old != nil {
				k.ExpireAt = old.ExpireAt
				rw.Key(k)
				old.Save(rw)
			} else {
				k.ExpireAt = e.ExpireAt()
				rw.Key(k)
				e.Save(rw)
			}
			return nil
		}, func() error {
			if work != nil {
				db.delaySave(n, work)
				work.done.Add(n)
				n = 0
			}
			return errors.Join(rw.Err(), ctx.Err(), db.interrupted(work))
		})
		if err != nil {
			return err
		}
	}
	return rw.Close()
}

// delaySave waits as long as rdb-key-save-delay says for n keys.
func (db *DB) delaySave(n int64, work *background) {
	db.delay(n, &db.conf.saveDelay, func() bool { return db.interrupted(work) != nil })
}

// saveFile writes the snapshot file, whole or not at all. One at a time does.
func (db *DB) saveFile(ctx context.Context) (err error) {
	began := time.Now()
	db.saves.begin(db)
	defer func() { db.saves.end(db, err) }()
	if err := db.own(); err != nil {
		return err
	}
	dirty := int64(0)
	path := db.snapshotPath()
	err = writeWhole(path, 0o600, func(w io.Writer) error {
		db.sp.Lock(keyspace.All)
		view := db.sp.OpenLocked()
		dirty = db.stats.dirty.Load()
		db.sp.Unlock(keyspace.All)
		defer view.Close()
		return db.saveView(ctx, view, w, &db.saves)
	})
	if err != nil {
		return err
	}
	db.stats.dirty.Add(-dirty)
	db.logger.Info("a snapshot was written", "file", path, "seconds", time.Since(began).Seconds())
	return nil
}

func cmdSave(s *Session, _ [][]byte) {
	switch {
	case s.db.dir == "":
		s.fail("ERR the store has no folder")
	case !s.db.saving.TryLock():
		s.fail("ERR Background save already in progress")
	default:
		defer s.db.saving.Unlock()
		if err := s.db.saveFile(context.Background()); err != nil {
			s.db.logger.Warn("saving failed", "error", err)
			s.fail("ERR " + err.Error())
			return
		}
		s.w.ok()
	}
}

func cmdBgsave(s *Session, a [][]byte) {
	switch {
	case len(a) > 2 || len(a) == 2 && !is(a[1], "SCHEDULE"):
		s.fail(msgSyntax)
	case s.db.dir == "":
		s.fail("ERR the store has no folder")
	case !s.db.saveSoon():
		s.fail("ERR Background save already in progress")
	default:
		s.w.status("Background saving " + s.begun())
	}
}

// saveSoon writes the snapshot file in the background, unless that is being done.
func (db *DB) saveSoon() bool {
	if !db.saving.TryLock() {
		return false
	}
	db.saves.announce(db)
	db.wg.Go(func() {
		standBack()
		defer db.saving.Unlock()
		if err := db.saveFile(context.Background()); err != nil {
			db.logger.Warn("saving failed", "error", err)
		}
	})
	return true
}

// errFlushed ends the writing of a snapshot of what FLUSHALL has removed.
var errFlushed = errors.New("kvstore: everything was removed meanwhile")

// saveFlushed ends a saving that is under way after FLUSHALL, and if there are save
// points writes the snapshot at once, as Redis does: a crash must not bring back what
// was removed.
func (db *DB) saveFlushed() {
	points := len(*db.conf.savePoints.Load()) > 0
	if db.dir == "" || !points && !db.saves.running.Load() {
		return
	}
	db.flushed.Store(true)
	db.saving.Lock()
	defer db.saving.Unlock()
	db.flushed.Store(false)
	if !points {
		return
	}
	if err := db.saveFile(context.Background()); err != nil {
		db.logger.Warn("saving failed", "error", err)
	}
}

func cmdLastsave(s *Session, _ [][]byte) { s.w.int(s.db.saves.at.Load()) }
