package kvstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// snapshotName is the file that SAVE writes.
const snapshotName = "dump.rdb"

// Save writes a snapshot of the present in Redis's format (RDB version 10). Others
// read and write meanwhile.
func (db *DB) Save(w io.Writer) error {
	if db.closed.Load() {
		return ErrClosed
	}
	view := db.sp.Open()
	defer view.Close()
	return db.saveView(context.Background(), view, w, false)
}

func (db *DB) saveView(ctx context.Context, view *keyspace.View, w io.Writer, base bool) error {
	rw := rdb.NewWriter(w, nil)
	rw.Aux("redis-ver", redisVersion)
	rw.Aux("redis-bits", "64")
	rw.Aux("ctime", strconv.FormatInt(db.now().Unix(), 10))
	rw.Aux("used-mem", strconv.Itoa(0))
	rw.Aux("aof-base", strconv.Itoa(map[bool]int{false: 0, true: 1}[base]))
	for dbi := range db.sp.DBs() {
		keys, expiring := view.Len(dbi)
		begun := false
		err := view.Drain(dbi, func(key []byte, e keyspace.Entry, old *keyspace.Value) error {
			if !begun {
				rw.Database(dbi, keys, expiring)
				begun = true
			}
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
			if db.closed.Load() {
				return ErrClosed
			}
			return errors.Join(rw.Err(), ctx.Err())
		})
		if err != nil {
			return err
		}
	}
	return rw.Close()
}

// Load replaces everything by what a file in Redis's format (RDB up to version 12)
// has; after an error, nothing has changed. With a log, that is rewritten.
func (db *DB) Load(r io.Reader) error {
	if db.closed.Load() {
		return ErrClosed
	}
	if err := db.logErr(); err != nil {
		return CommandError(misconf(err))
	}
	fresh := db.sp.NewLike(db.sp.DBs())
	if err := (&loader{sp: fresh}).load(rdb.NewReader(r)); err != nil {
		return err
	}
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	var rw *aof.Rewrite
	if db.log != nil {
		var err error
		if rw, err = db.log.Rewrite(db.conf.preamble.Load()); err != nil {
			return err
		}
	}
	db.sp.Lock(keyspace.All)
	s := db.NewSession(nil)
	s.touchDBs(func(blockKey) bool { return true })
	db.sp.Replace(fresh)
	if db.log == nil {
		db.sp.Unlock(keyspace.All)
		return nil
	}
	view := db.sp.OpenLocked()
	rw.Switch()
	db.sp.Unlock(keyspace.All)
	defer view.Close()
	err := db.writeBase(context.Background(), rw, view)
	if err != nil {
		db.log.SetLost() // the log is rewritten as soon as that is possible
	}
	return err
}

// loader is the handler of files: it makes keys in a space, whose stripes are
// locked or which nobody else knows.
type loader struct {
	sp       *keyspace.Space
	db       int
	n        int
	b        keyspace.Builder
	expireAt int64
	idle     int64

	// Strings of files wait until some have come together: where they will be in
	// the table is then loaded into the processor's cache for all of them at once,
	// which takes as long as for one.
	waiting []waitingString
	full    int  // of waiting
	touched byte // so that Touch is not for nothing
}

const mostWaiting = 1 << 10 // a copy of more costs more than it saves

// A waitingString has copies: what a handler gets is valid during the call.
type waitingString struct {
	hash           uint64
	name, v        []byte
	expireAt, idle int64
}

// load reads a file.
func (l *loader) load(r *rdb.Reader) error {
	l.waiting = make([]waitingString, keyspace.MostTouched)
	if err := r.Read(l); err != nil {
		return err
	}
	return l.flush()
}

// flush makes the keys of the strings that wait.
func (l *loader) flush() error {
	var hashes [keyspace.MostTouched]uint64
	for i := range l.full {
		hashes[i] = l.waiting[i].hash
	}
	l.touched += l.sp.TouchOwn(l.db, hashes[:l.full])
	for i := range l.full {
		w := &l.waiting[i]
		if err := l.str(w.hash, &rdb.Key{Name: w.name, ExpireAt: w.expireAt, Idle: w.idle}, w.v); err != nil {
			return err
		}
	}
	l.full = 0
	return nil
}

func (l *loader) Aux(_, _ []byte) error { return nil }

func (l *loader) Function(_ []byte) error { return nil } // nothing runs them

func (l *loader) Database(n int) error {
	if n >= l.sp.DBs() {
		return fmt.Errorf("database %d of %d", n, l.sp.DBs())
	}
	err := l.flush()
	l.db = n
	return err
}

func (l *loader) Sizes(keys, _ int) error {
	l.sp.Reserve(l.db, min(keys, 1<<26))
	return nil
}

func (l *loader) begin(h uint64, k *rdb.Key) error {
	sh := l.sp.WriteShard(l.db, h)
	e := sh.FindWrite(h, k.Name)
	if e.Exists() {
		return fmt.Errorf("the key %q is there twice", k.Name)
	}
	l.b = sh.NewBuilder(e, k.Name)
	l.expireAt, l.idle = k.ExpireAt, k.Idle
	return nil
}

// End sets what is known of the key beside its value.
func (l *loader) End() error {
	e := l.b.Entry()
	if l.idle > 0 {
		e.SetIdle(uint32(min(l.idle-1, 1<<24-1)))
	}
	if l.expireAt != 0 {
		e.SetExpireAt(l.expireAt)
	}
	return nil
}

// one makes a key whose value comes in one piece.
func (l *loader) one(k *rdb.Key, build func() error) error {
	if err := l.begin(l.sp.Hash(k.Name), k); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	return l.End()
}

func (l *loader) String(k *rdb.Key, v []byte) error {
	h := l.sp.Hash(k.Name)
	if l.waiting == nil || len(v) > mostWaiting {
		return l.str(h, k, v)
	}
	w := &l.waiting[l.full]
	w.hash, w.expireAt, w.idle = h, k.ExpireAt, k.Idle
	w.name, w.v = append(w.name[:0], k.Name...), append(w.v[:0], v...)
	if l.full++; l.full == len(l.waiting) {
		return l.flush()
	}
	return nil
}

func (l *loader) str(h uint64, k *rdb.Key, v []byte) error {
	if err := l.begin(h, k); err != nil {
		return err
	}
	l.b.String(v)
	return l.End()
}

func (l *loader) IntSet(k *rdb.Key, b []byte) error {
	return l.one(k, func() error {
		l.b.IntSet(b)
		return nil
	})
}

func (l *loader) SetPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.SetPack(lp) })
}

func (l *loader) HashPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.HashPack(lp) })
}

func (l *loader) ZSetPack(k *rdb.Key, lp []byte) error {
	return l.one(k, func() error { return l.b.ZSetPack(lp, parseScore) })
}

func (l *loader) many(k *rdb.Key, n int) error {
	l.n = n
	return l.begin(l.sp.Hash(k.Name), k)
}

func (l *loader) List(k *rdb.Key, n int) error { return l.many(k, n) }
func (l *loader) Set(k *rdb.Key, n int) error  { return l.many(k, n) }
func (l *loader) Hash(k *rdb.Key, n int) error { return l.many(k, n) }
func (l *loader) ZSet(k *rdb.Key, n int) error { return l.many(k, n) }

func (l *loader) ListPack(lp []byte) error {
	l.b.ListPack(lp)
	return nil
}

func (l *loader) ListItem(v []byte) error {
	l.b.ListItem(v)
	return nil
}

func (l *loader) Member(v []byte) error               { return l.b.Member(v, l.n) }
func (l *loader) Pair(field, v []byte) error          { return l.b.Pair(field, v, l.n) }
func (l *loader) Score(m []byte, score float64) error { return l.b.Score(m, score, l.n) }

// loadSnapshot reads a file in Redis's format at the beginning of data and returns
// its length. Nobody else uses the store yet.
func (db *DB) loadSnapshot(data []byte) (int64, error) {
	r := rdb.NewReader(bytes.NewReader(data))
	err := (&loader{sp: db.sp}).load(r)
	return r.Offset(), err
}

// saveFile writes the snapshot file, whole or not at all. One at a time does.
func (db *DB) saveFile(ctx context.Context) (err error) {
	began := time.Now()
	db.saves.running.Store(true)
	defer func() {
		db.saves.running.Store(false)
		db.saves.failed.Store(err != nil)
		db.saves.took.Store(int64(time.Since(began)))
		db.saves.tried.Store(db.now().Unix())
		if err == nil {
			db.saves.at.Store(db.now().Unix())
		}
	}()
	dirty := int64(0)
	err = writeWhole(filepath.Join(db.dir, snapshotName), 0o600, func(w io.Writer) error {
		db.sp.Lock(keyspace.All)
		view := db.sp.OpenLocked()
		dirty = db.stats.dirty.Load()
		db.sp.Unlock(keyspace.All)
		defer view.Close()
		return db.saveView(ctx, view, w, false)
	})
	if err != nil {
		return err
	}
	db.stats.dirty.Add(-dirty)
	db.logger.Info("a snapshot was written", "file", snapshotName, "seconds", time.Since(began).Seconds())
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
		s.w.status("Background saving started")
	}
}

// saveSoon writes the snapshot file in the background, unless that is being done.
func (db *DB) saveSoon() bool {
	if !db.saving.TryLock() {
		return false
	}
	db.saves.running.Store(true) // from now on, for INFO
	db.wg.Go(func() {
		standBack()
		defer db.saving.Unlock()
		if err := db.saveFile(context.Background()); err != nil {
			db.logger.Warn("saving failed", "error", err)
		}
	})
	return true
}

// A savePoint asks for a snapshot after a time, if there were so many changes.
type savePoint struct{ seconds, changes int64 }

// setSavePoints reads pairs of seconds and changes.
func (db *DB) setSavePoints(v string) (string, error) {
	words := strings.Fields(v)
	points := make([]savePoint, 0, len(words)/2)
	for i := 0; i+1 < len(words); i += 2 {
		seconds, ok1 := parseInt([]byte(words[i]))
		changes, ok2 := parseInt([]byte(words[i+1]))
		if !ok1 || !ok2 || seconds < 1 || changes < 0 {
			return "", configError("Invalid save parameters")
		}
		points = append(points, savePoint{seconds, changes})
	}
	if len(words)%2 != 0 {
		return "", configError("Invalid save parameters")
	}
	db.conf.savePoints.Store(&points)
	return strings.Join(words, " "), nil
}

const retrySave = 5 // seconds after a failure

// careForSnapshot writes the snapshot file when a save point asks for it.
func (db *DB) careForSnapshot() {
	if db.dir == "" || db.saves.running.Load() {
		return
	}
	now, changes := db.now().Unix(), db.stats.dirty.Load()
	if db.saves.failed.Load() && now-db.saves.tried.Load() < retrySave {
		return
	}
	for _, p := range *db.conf.savePoints.Load() {
		if changes >= p.changes && now-db.saves.at.Load() > p.seconds {
			db.logger.Info("saving", "changes", changes, "seconds", p.seconds)
			_ = db.saveSoon() // SAVE may have come first
			return
		}
	}
}

func cmdLastsave(s *Session, _ [][]byte) { s.w.int(s.db.saves.at.Load()) }

func cmdDump(s *Session, a [][]byte) {
	e := s.read(a[1])
	if !e.Exists() {
		s.w.null()
		return
	}
	w := rdb.NewDump(nil)
	e.Save(w)
	s.w.bulk(w.Dump())
}

func cmdRestore(s *Session, a [][]byte) {
	var replace, absolute bool
	idle := int64(-1)
	for i := 4; i < len(a); i++ {
		var ok bool
		switch {
		case is(a[i], "REPLACE"):
			replace = true
		case is(a[i], "ABSTTL"):
			absolute = true
		case is(a[i], "IDLETIME") && i+1 < len(a):
			if idle, ok = s.intArg(a[i+1]); !ok {
				return
			}
			if idle < 0 {
				s.fail("ERR Invalid IDLETIME value, must be >= 0")
				return
			}
			i++
		case is(a[i], "FREQ") && i+1 < len(a):
			n, ok := s.intArg(a[i+1])
			if !ok {
				return
			}
			if n < 0 || n > 255 {
				s.fail("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return
			}
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	key := a[1]
	old := s.write(key)
	if old.Exists() && !replace {
		s.fail("BUSYKEY Target key name already exists.")
		return
	}
	ttl, ok := s.intArg(a[2])
	if !ok {
		return
	}
	if ttl < 0 {
		s.fail("ERR Invalid TTL value, must be >= 0")
		return
	}
	s.restore(key, a[3], ttl, absolute, idle)
}

// restore makes a key, which may be there, the value of a payload.
func (s *Session) restore(key, payload []byte, ttl int64, absolute bool, idle int64) {
	l := &loader{sp: s.db.sp.NewLike(1)}
	switch err := rdb.Restore(payload, rdb.Key{Name: key}, l); {
	case errors.Is(err, rdb.ErrPayload):
		s.fail("ERR DUMP payload version or checksum are wrong")
		return
	case err != nil:
		s.fail("ERR Bad data format")
		return
	}
	if ttl > 0 && !absolute {
		ttl += s.now()
	}
	e, _ := s.replaced(key)
	if ttl > 0 && ttl <= s.now() && !s.replaying {
		s.effect([]byte("DEL"), key)
		s.changed(key, 1)
		s.w.ok()
		return
	}
	v := l.b.Entry().Freeze()
	v.ExpireAt = ttl
	e = e.Shard().Put(e, key, &v)
	if idle >= 0 {
		e.SetIdle(uint32(min(idle, 1<<24-1)))
	}
	s.signal(s.dbi, key)
	s.changed(key, 1)
	s.notify(notifyGeneric, "restore", key)
	s.effect([]byte("RESTORE"), key, itoa(ttl), payload, []byte("REPLACE"), []byte("ABSTTL"))
	s.w.ok()
}
