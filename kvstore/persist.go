package kvstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// importNames tells the logs of older stores, in one file: Redis up to version 6 and
// the first version of this package, one with lines of SET key value, and
// snapshots.
func (db *DB) importNames() []string { return []string{aof.Name, "data.aof", *db.conf.snapshot.Load()} }

// claimFolder makes the folder, and locks it if it will be written to.
func (db *DB) claimFolder(noLog bool) error {
	folder := db.dir
	switch {
	case !noLog:
		folder = filepath.Join(db.dir, aof.Dir)
	case len(*db.conf.savePoints.Load()) == 0:
		return nil // saveFile makes the folder its own
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	return db.own()
}

// own locks the folder, if that has not been done.
func (db *DB) own() (err error) {
	if db.lock == nil {
		db.lock, err = lockFolder(filepath.Join(db.dir, "LOCK"))
	}
	return err
}

// disown is the opposite.
func (db *DB) disown() error {
	if db.lock == nil {
		return nil
	}
	return db.lock.Close()
}

// openFolder reads what is in the folder and opens the log, if there is to be one. It
// returns the file of an older store, if that is what it has read.
func (db *DB) openFolder() (imported string, err error) {
	if !db.loading.logged {
		return "", db.loadExisting(db.snapshotPath(), false)
	}
	folder := filepath.Join(db.dir, aof.Dir)
	m, err := aof.ReadManifest(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return db.openNew(folder)
	case errors.Is(err, aof.ErrManifest):
		return "", &CorruptError{File: filepath.Join(folder, aof.Name+".manifest"), Err: err}
	case err != nil:
		return "", fmt.Errorf("kvstore: %w", err)
	}
	for _, f := range m.Files {
		if st, err := os.Stat(filepath.Join(folder, f.Name)); err == nil && f.Type != 'h' {
			db.loading.total += st.Size()
		}
	}
	good, ours := int64(0), false
	for i, f := range m.Files {
		if f.Type == 'h' {
			continue
		}
		res, err := db.loadFile(filepath.Join(folder, f.Name), i == len(m.Files)-1)
		if err != nil {
			return "", err
		}
		good += res.Good
		ours = f.Type == 'i' && res.Checksummed
	}
	return "", db.openLog(folder, m, ours, good)
}

// openLog goes on with a log, or begins one.
func (db *DB) openLog(folder string, m *aof.Manifest, ours bool, size int64) error {
	db.conf.mu.Lock() // until others can tell the log of a new policy
	defer db.conf.mu.Unlock()
	log, err := aof.Open(folder, m, db.conf.policyOfLog(), ours, size)
	if err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	db.log.Store(log)
	return nil
}

// loadExisting is loadFile for what need not exist.
func (db *DB) loadExisting(path string, last bool) error {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		db.loading.total = st.Size()
	}
	_, err = db.loadFile(path, last)
	return err
}

// openNew begins a log, and reads a log of an older store in the folder.
func (db *DB) openNew(folder string) (imported string, err error) {
	for _, name := range db.importNames() {
		path := filepath.Join(db.dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			imported = path
			break
		}
	}
	if imported != "" {
		if err := db.loadExisting(imported, true); err != nil {
			return "", err
		}
	}
	return imported, db.openLog(folder, nil, false, 0)
}

// replaceImported writes what was read from the log of an older store to the new one.
func (db *DB) replaceImported(file string) error {
	if l := &db.loading; l.total >= db.conf.loadTurn.Load() { // others may look on: it locks what it reads
		l.mu.Unlock()
		defer l.mu.Lock()
	}
	if err := db.rewrite(context.Background()); err != nil {
		_ = db.log.Swap(nil).Close() // the first error counts
		return fmt.Errorf("kvstore: import %s: %w", file, err)
	}
	db.logger.Info("an older log was imported and is not used any more", "file", file)
	return nil
}

// logUnit appends n commands of a database to the log.
func (db *DB) logUnit(dbi int, unit []byte, n int) uint64 {
	if log := db.log.Load(); log != nil {
		return log.Append(dbi, unit, n)
	}
	return 0
}

// logErr tells why nothing can be written.
func (db *DB) logErr() error {
	if log := db.log.Load(); log != nil {
		return log.Err()
	}
	return nil
}

const msgNoSnapshot = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
	"Commands that may modify the data set are disabled, because this instance is configured to report errors during writes " +
	"if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."

// noWrites tells what writers are answered while nothing can be kept, or nothing.
func (db *DB) noWrites() string {
	if err := db.logErr(); err != nil {
		return misconf(err)
	}
	if db.saves.failed.Load() && db.conf.stopWrites.Load() && len(*db.conf.savePoints.Load()) > 0 {
		return msgNoSnapshot
	}
	return ""
}

func misconf(err error) string {
	return "MISCONF Errors writing to the AOF file: " + err.Error()
}

// Commit returns when the writes up to a ticket of [Session.EndBatch] are as safe
// as Options.Fsync promises. All who wait at the same time share one sync.
func (db *DB) Commit(ticket uint64) error {
	log := db.log.Load()
	if ticket == 0 || log == nil {
		return nil
	}
	err := log.Commit(ticket)
	if errors.Is(err, aof.ErrClosed) {
		return ErrClosed
	}
	return err
}

// CommitAsync calls done, from another goroutine, when [DB.Commit] would return.
// done must not block for long: others wait behind it.
func (db *DB) CommitAsync(ticket uint64, done func(error)) {
	log := db.log.Load()
	if ticket == 0 || log == nil {
		done(nil)
		return
	}
	log.CommitAsync(ticket, done)
}

// Sync returns when everything that was written before is on disk.
func (db *DB) Sync() error {
	if log := db.log.Load(); log != nil {
		return log.Sync()
	}
	return nil
}

// errRewriting is answered while the log is being rewritten.
var errRewriting = errors.New("kvstore: the log is being rewritten already")

// Compact writes the log anew with only what is alive. Others read and write
// meanwhile. It waits for a rewriting that is under way.
func (db *DB) Compact(ctx context.Context) error {
	if err := db.readyIn(ctx); err != nil {
		return err
	}
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	if db.log.Load() == nil {
		return nil
	}
	return db.rewrite(ctx)
}

// rewriteSoon rewrites the log in the background.
func (db *DB) rewriteSoon() error {
	if !db.rewriting.TryLock() {
		return errRewriting
	}
	db.rewrites.announce(db)
	db.wg.Go(func() {
		standBack()
		defer db.rewriting.Unlock()
		rewrite := db.rewrite
		if db.log.Load() == nil {
			rewrite = db.export
		}
		if err := rewrite(context.Background()); err != nil {
			db.logger.Warn("rewriting the log failed", "error", err)
		}
	})
	return nil
}

// rewrite rewrites the log; only one does so at a time.
func (db *DB) rewrite(ctx context.Context) (err error) {
	began := time.Now()
	db.rewrites.begin(db)
	defer func() { db.rewrites.end(db, err) }()
	log := db.log.Load()
	r, err := log.Rewrite(db.conf.preamble.Load())
	if err != nil {
		return err
	}
	db.sp.Lock(keyspace.All)
	view := db.sp.OpenLocked()
	r.Switch()
	db.sp.Unlock(keyspace.All)
	defer view.Close()
	if err := db.writeBase(ctx, r, view); err != nil {
		return err
	}
	now, _ := log.Size()
	db.logger.Info("the log was rewritten", "bytes", now, "seconds", time.Since(began).Seconds())
	return nil
}

// writeBase writes what is in a view to the base file.
func (db *DB) writeBase(ctx context.Context, r *aof.Rewrite, view *keyspace.View) error {
	if w := r.Writer(); w != nil {
		if err := db.saveView(ctx, view, w, &db.rewrites); err != nil {
			r.Abort()
			return err
		}
		return r.Finish()
	}
	for dbi := range db.sp.DBs() {
		if err := db.rewriteDB(ctx, r, view, dbi); err != nil {
			r.Abort()
			return err
		}
	}
	return r.Finish()
}

func (db *DB) rewriteDB(ctx context.Context, r *aof.Rewrite, view *keyspace.View, dbi int) error {
	var buf []byte
	selected := false
	n := int64(0)
	return view.Drain(dbi, func(key []byte, e keyspace.Entry, old *keyspace.Value) error {
		n++
		if !selected {
			buf = appendArgs(buf, []byte("SELECT"), itoa(int64(dbi)))
			selected = true
		}
		switch {
		case old != nil:
			buf = appendValue(buf, key, old)
		case e.Type() == keyspace.String:
			buf = appendArgs(buf, []byte("SET"), key, e.Str())
			if at := e.ExpireAt(); at != 0 {
				buf = appendArgs(buf, []byte("PEXPIREAT"), key, itoa(at))
			}
		default:
			v := e.Freeze()
			buf = appendValue(buf, key, &v)
		}
		return nil
	}, func() error {
		db.delaySave(n, &db.rewrites)
		db.rewrites.done.Add(n)
		n = 0
		err := r.Add(buf)
		buf = buf[:0]
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = db.interrupted(&db.rewrites)
		}
		return err
	})
}

// appendValue appends the commands that make a key a value.
func appendValue(dst, key []byte, v *keyspace.Value) []byte {
	if v.Type == keyspace.String {
		dst = appendArgs(dst, []byte("SET"), key, v.Str())
	} else {
		name := [...]string{keyspace.List: "RPUSH", keyspace.Set: "SADD", keyspace.ZSet: "ZADD", keyspace.Hash: "HSET"}[v.Type]
		args := [][]byte{[]byte(name), key}
		var kept []byte
		add := func(b []byte) { // a copy: Each lends it for the call
			n := len(kept)
			kept = append(kept, b...)
			args = append(args, kept[n:len(kept):len(kept)])
		}
		v.Each(func(a, b []byte, score float64) bool {
			switch v.Type {
			case keyspace.ZSet:
				add(appendFloat(nil, score))
				add(a)
			case keyspace.Hash:
				add(a)
				add(b)
			default:
				add(a)
			}
			if len(args) >= 130 {
				dst = appendArgs(dst, args...)
				args, kept = args[:2], kept[:0]
			}
			return true
		})
		if len(args) > 2 {
			dst = appendArgs(dst, args...)
		}
	}
	if v.ExpireAt != 0 {
		dst = appendArgs(dst, []byte("PEXPIREAT"), key, itoa(v.ExpireAt))
	}
	return dst
}

// careForLog rewrites the log when it has grown, or may lack something.
func (db *DB) careForLog() {
	log := db.log.Load()
	if log == nil {
		return
	}
	now, base := log.Size()
	percent := db.conf.rewritePercent.Load()
	grown := percent > 0 && now >= db.conf.rewriteMin.Load() && (now-base)*100/max(base, 1) >= percent
	if grown || log.Lost() {
		_ = db.rewriteSoon() // one is under way, or this one tells the logger
	}
}

// begun tells what becomes of work in the background: in a transaction it begins after it.
func (s *Session) begun() string {
	if s.held != 0 {
		return "scheduled"
	}
	return "started"
}

func cmdBgrewriteaof(s *Session, _ [][]byte) {
	switch {
	case s.db.dir == "":
		s.fail("ERR the store has no folder")
	case s.db.rewriteSoon() != nil:
		s.fail("ERR Background append only file rewriting already in progress")
	default:
		s.w.status("Background append only file rewriting " + s.begun())
	}
}
