package kvstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// Fsync says when writes reach the disk.
type Fsync int

// The policies of syncing.
const (
	FsyncEverySec Fsync = iota // about once a second; the default
	FsyncAlways                // before the write returns
	FsyncNo                    // when the system likes
)

// Options tune a DB. A nil *Options means the defaults.
type Options struct {
	// Fsync says when writes reach the disk. Zero means FsyncEverySec.
	Fsync Fsync

	// Databases is the number of databases that SELECT knows; the methods of DB use
	// number 0. Zero means 16.
	Databases int

	// NoLog keeps no log: Open reads the snapshot file dump.rdb of the folder, if
	// there is one, and SAVE, BGSAVE and the save points of Config write it. What is
	// changed after is lost. Without save points the folder is not locked until it is
	// written to. CONFIG SET appendonly turns the log on and off later.
	NoLog bool

	// FastReads places keys of database 0 so that Get, GetView, AppendGet and GET find
	// most of them by one cache miss in place of two, once there are 80,000 of them or
	// more, and if a record, which is key, value and 6 bytes, has 49 to 64 bytes. That
	// takes a sixth more memory for such a key with a million of them, and more with
	// fewer, and time when keys are new: a background task moves them into place, and
	// has done so within a second or two after they have come. False: nothing is placed.
	FastReads bool

	// LoadInBackground makes Open return when the folder is locked, before what is in it
	// was read. Methods of the DB wait for that, except Stats and WaitLoaded, which
	// tells whether it has succeeded. Sessions answer most commands with a LOADING
	// error meanwhile, as Redis does, but not INFO, CONFIG or SHUTDOWN: so a server may
	// be started at once. False: Open returns when everything is loaded.
	LoadInBackground bool

	// Config are options by their names in Redis's configuration files, each with its
	// value, as CONFIG SET takes them; those that it refuses to change later can be
	// set here too, and rename-command, with a command and its new name for clients of
	// servers, or none. What other fields set is an error. Options of Redis that mean
	// nothing here (hz, activerehashing) or are for the program that listens (port,
	// logfile) are remembered for CONFIG GET and change nothing.
	Config [][2]string

	// ConfigFile is the file that CONFIG REWRITE writes what CONFIG SET has changed
	// to. Empty means that CONFIG REWRITE is an error. The file is not read.
	ConfigFile string

	// DebugCommand says from where servers take the command DEBUG, with which
	// everybody can be made to wait: "no", "local" (Unix sockets and the loopback
	// interface) or "yes". Empty means no. Do always takes it.
	DebugCommand string

	// Now is the clock of expiry. Nil means time.Now.
	Now func() time.Time

	// Logger is told what happens to files. Nil: silent.
	Logger *slog.Logger

	// LogLevel is the level of Logger, which the option loglevel sets: debug is
	// slog.LevelDebug, verbose 2 above, notice slog.LevelInfo and warning slog.LevelWarn.
	// Nil: CONFIG SET cannot change the option.
	LogLevel *slog.LevelVar
}

// A DB is an open store. All methods may be called concurrently.
type DB struct {
	sp      *keyspace.Space
	cmds    atomic.Pointer[commandTable]  // never changed, but replaced by Handle
	renames *renames                      // nil: commands have their names
	docs    func() map[string]*commandDoc // read when somebody asks for the first time
	conf    config
	now     func() time.Time
	started time.Time
	logger  *slog.Logger
	dir     string
	lock    *folderLock             // nil in memory, and until the folder is written to; guarded by saving
	log     atomic.Pointer[aof.Log] // nil in memory; changes while all stripes are locked
	stop    chan struct{}
	wg      sync.WaitGroup
	pool    sync.Pool // of sessions for the methods
	views   viewBuffers
	reads   readCounts

	loading  loading
	hub      hub
	blocking blocking
	pause    pauseState
	watching watchTable
	clients  registry
	monitors monitors
	slow     slowLog
	stats    counters
	rates    rates
	memory   memoryUse
	runID    string // of INFO: 40 digits by chance

	attention     atomic.Bool // clients are paused
	noExpireCycle atomic.Bool
	cronPaused    atomic.Bool
	skipChecksum  atomic.Bool // of RESTORE

	rewriting  sync.Mutex // held while the log is being rewritten, or turned on or off
	lastTicket uint64     // guarded by rewriting; of the log that was turned off
	rewrites   background
	turningOff atomic.Bool // which ends a rewriting
	turningOn  atomic.Bool
	saving     sync.Mutex // held while a snapshot is being written
	saves      background
	flushed    atomic.Bool // FLUSHALL wants a saving to end
	closed     atomic.Bool
}

// Open opens the store in a folder, which is made if it does not exist. An empty
// dir keeps everything in memory.
func Open(dir string, o *Options) (*DB, error) {
	if o == nil {
		o = &Options{}
	}
	if o.Fsync < FsyncEverySec || o.Fsync > FsyncNo {
		return nil, fmt.Errorf("%w: Fsync is %d", ErrConfig, o.Fsync)
	}
	if o.Databases < 0 || o.Databases > 1<<14 {
		return nil, fmt.Errorf("%w: Databases is %d", ErrConfig, o.Databases)
	}
	if o.DebugCommand != "" && !slices.Contains(debugNames[:], o.DebugCommand) {
		return nil, fmt.Errorf("%w: DebugCommand is %q, must be yes, no or local", ErrConfig, o.DebugCommand)
	}
	dbs := o.Databases
	if dbs == 0 {
		dbs = 16
	}
	db := &DB{
		sp:  keyspace.New(dbs),
		now: o.Now, started: time.Now(), logger: o.Logger, dir: dir, stop: make(chan struct{}),
	}
	db.sp.Placed = o.FastReads
	db.cmds.Store(newCommandTable())
	db.runID = fmt.Sprintf("%016x%016x%08x", rand.Uint64(), rand.Uint64(), rand.Uint32())
	db.docs = sync.OnceValue(func() map[string]*commandDoc { return parseDocs(commandDocsText) })
	db.blocking.db = db
	db.pool.New = func() any { return db.NewSession(nil) }
	if db.now == nil {
		db.now = time.Now
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	db.setClock()
	db.saves.at.Store(db.now().Unix())
	db.saves.took.Store(-1)
	db.rewrites.took.Store(-1)
	if err := db.initConfig(o); err != nil {
		return nil, err
	}
	db.loading.done = make(chan struct{})
	if dir == "" {
		close(db.loading.done)
	} else {
		if err := db.claimFolder(o.NoLog); err != nil {
			return nil, err
		}
		if err := db.startLoading(o); err != nil {
			_ = db.disown() // the first error counts
			return nil, err
		}
	}
	db.wg.Go(db.cron)
	return db, nil
}

// uptime is a clock for durations.
func (db *DB) uptime() time.Duration { return time.Since(db.started) }

// setClock tells the keys the time. Reading without a lock leaves no time on a key for
// a minute, unless that is what decides which keys are evicted.
func (db *DB) setClock() {
	slack := uint32(60)
	if db.conf.maxMemory.Load() > 0 && db.conf.policy.Load() != noEviction {
		slack = 0
	}
	db.sp.SetClock(uint32(db.now().Unix()), slack)
}

// settleTime is how much of a tenth of a second goes into keys that were added, so that
// they are found sooner: a million in about half a second.
const settleTime = 20 * time.Millisecond

// cron does what has to be done now and then.
func (db *DB) cron() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	s := db.NewSession(nil)
	for {
		select {
		case <-db.stop:
			return
		case <-tick.C:
		}
		if db.cronPaused.Load() {
			continue
		}
		db.setClock()
		db.measure()
		if db.loading.active.Load() {
			continue
		}
		if !db.noExpireCycle.Load() && !db.attention.Load() {
			began := db.uptime()
			db.expireCycle(s)
			db.stats.expireTime.Add(int64(db.uptime() - began))
		}
		if db.conf.policy.Load() != noEviction && !db.attention.Load() {
			db.outOfMemory(s) // the limit may have been lowered
		}
		db.sp.Settle(settleTime)
		db.careForLog()
		db.careForSnapshot()
	}
}

// expireCycle removes the keys whose time is over.
func (db *DB) expireCycle(s *Session) {
	now := db.now().UnixMilli()
	for i := range keyspace.Stripes {
		m := keyspace.Mask(1) << i
		for dbi := range db.sp.DBs() {
			for {
				db.sp.RLock(m)
				at := db.sp.ShardAt(dbi, i).NextExpiry()
				db.sp.RUnlock(m)
				if at == 0 || at > now || !db.expireSome(s, dbi, i, now) {
					break
				}
			}
		}
	}
	s.EndBatch()
}

// expireSome removes a few keys and tells whether there may be more.
func (db *DB) expireSome(s *Session, dbi, stripe int, now int64) bool {
	m := keyspace.Mask(1) << stripe
	db.sp.Lock(m)
	defer db.sp.Unlock(m)
	sh := db.sp.ShardAt(dbi, stripe)
	if sh == nil || db.closed.Load() {
		return false
	}
	s.dbi, s.nowMillis, s.keyPtr = dbi, now, nil
	defer s.logUnit() // while the stripe is locked
	for range 32 {
		e := sh.Expired(now)
		if !e.Exists() {
			return false
		}
		// Looking for it to write removes it.
		s.write(append([]byte(nil), e.Key()...))
		s.dirty = 0
	}
	return true
}

// Close syncs the log and closes the store. It may be called twice. Commands that
// wait are not answered any more.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	db.pause.stop()
	close(db.stop)
	db.wg.Wait()
	// Who has locked a stripe is finished then; who comes later sees closed.
	db.sp.Lock(keyspace.All)
	db.sp.Guard(true)
	db.sp.Unlock(keyspace.All)
	db.hub.close()
	db.saving.Lock()
	defer db.saving.Unlock()
	var err error
	if log := db.log.Load(); log != nil {
		err = log.Close()
	}
	return errors.Join(err, db.disown())
}

// Stats is a snapshot of counters.
type Stats struct {
	Keys     int    // that exist, those expired but not yet removed included
	Expiring int    // keys with a time to live
	Commands uint64 // executed by sessions
	Expired  uint64 // keys removed because their time was over
	Hits     uint64 // look-ups that found their key
	Misses   uint64 // those that did not
	LogSize  int64  // bytes of the log, 0 in memory
	Bytes    int64  // of memory that keys and values use
	OnDisk   bool   // there is a log
	Loading  bool   // what is stored is being read, or that has failed: see Options.LoadInBackground
	Loaded   int64  // bytes of files that were read so far, or by Open
	ToLoad   int64  // of all that are to be read
}

// Stats returns a snapshot. Keys are those of all databases.
func (db *DB) Stats() Stats {
	l := &db.loading
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Commands: uint64(db.stats.commands.Load()), Expired: uint64(db.stats.expired.Load()),
		Loading: l.active.Load(), Loaded: l.loaded, ToLoad: l.total,
	}
	_, bytes := db.sp.Memory()
	s.Bytes = int64(bytes)
	hits, misses := db.lookups()
	s.Hits, s.Misses = uint64(hits), uint64(misses)
	for i := range db.sp.DBs() {
		n, expiring := db.sp.Len(i)
		s.Keys += n
		s.Expiring += expiring
	}
	if log := db.log.Load(); log != nil {
		s.LogSize, _ = log.Size()
		s.OnDisk = true
	}
	return s
}

// session takes a session for a method; done gives it back.
func (db *DB) session() *Session {
	s := db.pool.Get().(*Session)
	s.dbi = 0
	return s
}

// finish waits until what the session has done is as safe as promised.
func (db *DB) finish(s *Session) error {
	t := s.EndBatch()
	db.pool.Put(s)
	if t == 0 {
		return nil
	}
	return db.Commit(t)
}

// Do runs a Redis command. Arguments may be strings, byte slices, integers and
// floats. A reply of kind ErrorReply is also returned as an error: [ErrWrongType]
// or a [CommandError]. A command that waits, as BLPOP, does so until ctx ends.
func (db *DB) Do(ctx context.Context, cmd string, args ...any) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	list := [][]byte{[]byte(cmd)}
	for i, a := range args {
		switch a := a.(type) {
		case string:
			list = append(list, []byte(a))
		case []byte:
			list = append(list, a)
		case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
			list = append(list, fmt.Append(nil, a))
		case float64:
			list = append(list, appendFloat(nil, a))
		default:
			return Reply{}, fmt.Errorf("kvstore: argument %d of %s is a %T", i+1, cmd, a)
		}
	}
	if err := db.readyIn(ctx); err != nil {
		return Reply{}, err
	}
	woken := make(chan struct{}, 1)
	s := db.NewSession(nil)
	s.o.Wake = func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	defer s.Close()
	out := s.Exec(nil, list)
	for s.Blocked() {
		select {
		case <-woken:
			out = s.Resume(out)
		case <-ctx.Done():
			if db.blocking.cancel(s.blocked) {
				s.blocked = nil
				return Reply{}, ctx.Err()
			}
			<-woken // it is being answered
			out = s.Resume(out)
		case <-db.stop:
			if db.blocking.cancel(s.blocked) {
				s.blocked = nil
				return Reply{}, ErrClosed
			}
			<-woken
			out = s.Resume(out)
		}
	}
	if t := s.EndBatch(); t != 0 {
		if err := db.Commit(t); err != nil {
			return Reply{}, err
		}
	}
	if len(out) == 0 {
		return Reply{}, nil
	}
	r, _ := parseReply(out)
	return r, r.Err()
}

// do runs a command for a method.
func (db *DB) do(args ...[]byte) (Reply, error) {
	if err := db.ready(); err != nil {
		return Reply{}, err
	}
	s := db.session()
	out := s.Exec(nil, args)
	if err := db.finish(s); err != nil {
		return Reply{}, err
	}
	r, _ := parseReply(out)
	return r, r.Err()
}
