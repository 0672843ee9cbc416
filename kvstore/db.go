package kvstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/resp"
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

	// Now is the clock of expiry. Nil means time.Now.
	Now func() time.Time

	// Logger is told what happens to files. Nil: silent.
	Logger *slog.Logger
}

// A DB is an open store. All methods may be called concurrently.
type DB struct {
	now    func() time.Time
	logger *slog.Logger
	dir    string
	lock   *os.File // nil in memory
	log    *aof.Log // nil in memory
	hub    hub
	stop   chan struct{}
	wg     sync.WaitGroup

	commands atomic.Uint64

	mu      sync.RWMutex
	data    map[string]*entry   // guarded by mu
	expires map[string]struct{} // guarded by mu; keys with an expiry
	closed  bool                // guarded by mu
	stats   Stats               // guarded by mu; only the counters
}

// entry is the value of a key: exactly one of the fields by type is in use.
type entry struct {
	kind     kind
	str      []byte // never changed in place, so that readers may keep it
	hash     map[string][]byte
	list     *deque
	expireAt int64 // Unix milliseconds, 0: never
}

type kind uint8

const (
	kindString kind = iota
	kindHash
	kindList
)

func (k kind) String() string { return [...]string{"string", "hash", "list"}[k] }

const logName = "appendonly.aof"

// Open opens the store in a folder, which is made if it does not exist. An empty
// dir keeps everything in memory.
func Open(dir string, o *Options) (*DB, error) {
	if o == nil {
		o = &Options{}
	}
	if o.Fsync < FsyncEverySec || o.Fsync > FsyncNo {
		return nil, fmt.Errorf("%w: Fsync is %d", ErrConfig, o.Fsync)
	}
	db := &DB{
		now: o.Now, logger: o.Logger, dir: dir, stop: make(chan struct{}),
		data: make(map[string]*entry), expires: make(map[string]struct{}),
	}
	if db.now == nil {
		db.now = time.Now
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	if dir != "" {
		if err := db.openDir(o.Fsync); err != nil {
			return nil, err
		}
	}
	db.wg.Go(db.expireLoop)
	return db, nil
}

func (db *DB) openDir(fsync Fsync) (err error) {
	if err := os.MkdirAll(db.dir, 0o755); err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	if db.lock, err = lockFile(filepath.Join(db.dir, "LOCK")); err != nil {
		return err
	}
	policy := map[Fsync]aof.Policy{FsyncEverySec: aof.EverySec, FsyncAlways: aof.Always, FsyncNo: aof.Never}[fsync]
	path := filepath.Join(db.dir, logName)
	log, dropped, err := aof.Open(path, policy, db.replayUnit)
	if err != nil {
		_ = db.lock.Close() // the first error counts
		var damage *aof.DamageError
		if errors.As(err, &damage) {
			return &CorruptError{File: path, Offset: damage.Offset, Err: err}
		}
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return fmt.Errorf("kvstore: %w", err)
		}
		return &CorruptError{File: path, Err: err}
	}
	if dropped > 0 {
		db.logger.Warn("the tail of the log was torn and is cut off", "file", path, "offset", log.Size(), "bytes", dropped)
	}
	db.log = log
	return aof.SyncDir(db.dir)
}

// replayUnit runs the commands of one unit of the log.
func (db *DB) replayUnit(unit []byte, offset int64) error {
	r := resp.NewReader(bytes.NewReader(unit), nil)
	c := &cmdContext{db: db, replaying: true}
	for {
		args, err := r.ReadCommand()
		if err != nil {
			if r.Buffered() == 0 && err.Error() == "EOF" {
				return nil
			}
			return fmt.Errorf("unit at offset %d: %w", offset, err)
		}
		if name := strings.ToUpper(string(args[0])); name == "MULTI" || name == "EXEC" {
			continue
		}
		if rep := c.run(args); rep.Kind == ErrorReply {
			return fmt.Errorf("unit at offset %d: %s: %s", offset, args[0], rep.Text)
		}
	}
}

// Close syncs the log and closes the store. It may be called twice.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	close(db.stop)
	db.wg.Wait()
	db.hub.close()
	if db.log == nil {
		return nil
	}
	err := db.log.Close()
	if lockErr := db.lock.Close(); err == nil {
		err = lockErr
	}
	return err
}

// Sync returns when everything that was written before is on disk.
func (db *DB) Sync() error {
	if db.log == nil {
		return nil
	}
	return db.log.Sync()
}

// Stats is a snapshot of counters.
type Stats struct {
	Keys     int    // that exist, those expired but not yet removed included
	Expiring int    // keys with a time to live
	Commands uint64 // executed
	Expired  uint64 // keys removed because their time was over
	LogSize  int64  // bytes of the log, 0 in memory
	OnDisk   bool   // there is a log
}

// Stats returns a consistent snapshot.
func (db *DB) Stats() Stats {
	db.mu.RLock()
	defer db.mu.RUnlock()
	s := db.stats
	s.Commands = db.commands.Load()
	s.Keys, s.Expiring = len(db.data), len(db.expires)
	if db.log != nil {
		s.LogSize, s.OnDisk = db.log.Size(), true
	}
	return s
}

// nowMillis is the clock of expiry.
func (db *DB) nowMillis() int64 { return db.now().UnixMilli() }

// get returns the entry of a key that has not expired. Called with mu held, at
// least for reading.
func (db *DB) get(key string) *entry {
	e := db.data[key]
	if e == nil || e.expireAt != 0 && e.expireAt <= db.nowMillis() {
		return nil
	}
	return e
}

// Get returns the string at key, which belongs to the caller, or [ErrNotFound].
func (db *DB) Get(key string) ([]byte, error) {
	return db.AppendGet(nil, key)
}

// AppendGet appends the string at key to dst.
func (db *DB) AppendGet(dst []byte, key string) ([]byte, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	v, err := db.stringAt(key)
	if err != nil {
		return dst, err
	}
	if dst == nil {
		dst = make([]byte, 0, len(v))
	}
	return append(dst, v...), nil
}

// stringAt returns the string at key. Called with mu held for reading.
func (db *DB) stringAt(key string) ([]byte, error) {
	if db.closed {
		return nil, ErrClosed
	}
	e := db.get(key)
	switch {
	case e == nil:
		return nil, ErrNotFound
	case e.kind != kindString:
		return nil, ErrWrongType
	}
	return e.str, nil
}

// SetOptions tune a Set. A nil *SetOptions means none of them.
type SetOptions struct {
	// TTL is how long the key lives, in milliseconds at the finest. Zero means for
	// ever.
	TTL time.Duration
	// KeepTTL leaves the time to live of an existing key as it is.
	KeepTTL bool
	// IfAbsent sets the key only if it does not exist.
	IfAbsent bool
	// IfPresent sets the key only if it exists.
	IfPresent bool
}

func (o *SetOptions) args(key string, value []byte) [][]byte {
	args := [][]byte{[]byte("SET"), []byte(key), value}
	if o == nil {
		return args
	}
	if o.TTL != 0 {
		args = append(args, []byte("PX"), strconv.AppendInt(nil, o.TTL.Milliseconds(), 10))
	}
	for flag, set := range map[string]bool{"KEEPTTL": o.KeepTTL, "NX": o.IfAbsent, "XX": o.IfPresent} {
		if set {
			args = append(args, []byte(flag))
		}
	}
	return args
}

// Set stores a string under key, whatever was there before. value is copied. A
// condition of the options that is not met gives [ErrNotSet].
func (db *DB) Set(key string, value []byte, o *SetOptions) error {
	r, err := db.do(o.args(key, value))
	if err == nil && r.Kind == NilReply {
		err = ErrNotSet
	}
	return err
}

// Delete removes keys and returns how many of them existed.
func (db *DB) Delete(keys ...string) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	args := [][]byte{[]byte("DEL")}
	for _, k := range keys {
		args = append(args, []byte(k))
	}
	r, err := db.do(args)
	return int(r.Int), err
}

// Incr adds delta to the integer at key, 0 if there is none, and returns the sum.
func (db *DB) Incr(key string, delta int64) (int64, error) {
	r, err := db.do([][]byte{[]byte("INCRBY"), []byte(key), strconv.AppendInt(nil, delta, 10)})
	var ce CommandError
	if errors.As(err, &ce) {
		err = ErrNotInteger
	}
	return r.Int, err
}

// Expire gives a key a time to live; not positive removes it at once. It tells
// whether the key exists.
func (db *DB) Expire(key string, d time.Duration) (bool, error) {
	r, err := db.do([][]byte{[]byte("PEXPIRE"), []byte(key), strconv.AppendInt(nil, d.Milliseconds(), 10)})
	return r.Int == 1, err
}

// TTL returns how long a key will live, -1 if for ever, or [ErrNotFound].
func (db *DB) TTL(key string) (time.Duration, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return 0, ErrClosed
	}
	e := db.get(key)
	switch {
	case e == nil:
		return 0, ErrNotFound
	case e.expireAt == 0:
		return -1, nil
	}
	return time.Duration(e.expireAt-db.nowMillis()) * time.Millisecond, nil
}

// All yields the strings whose keys begin with prefix, in the order of the keys,
// as they were when the iteration began. The values belong to the caller.
func (db *DB) All(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		type pair struct {
			key   string
			value []byte
		}
		var pairs []pair
		db.mu.RLock()
		for k := range db.data {
			if strings.HasPrefix(k, prefix) {
				if e := db.get(k); e != nil && e.kind == kindString {
					pairs = append(pairs, pair{k, e.str})
				}
			}
		}
		db.mu.RUnlock()
		slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		for _, p := range pairs {
			if !yield(p.key, bytes.Clone(p.value)) {
				return
			}
		}
	}
}

// Do runs a Redis command. Arguments may be strings, byte slices, integers and
// floats. A reply of kind ErrorReply is also returned as an error: [ErrWrongType]
// or a [CommandError].
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
			list = append(list, strconv.AppendFloat(nil, a, 'g', -1, 64))
		default:
			return Reply{}, fmt.Errorf("kvstore: argument %d of %s is a %T", i+1, cmd, a)
		}
	}
	r, err := db.do(list)
	return r.clone(), err
}

// do runs a command for the Go API and waits until it is as safe as promised.
func (db *DB) do(args [][]byte) (Reply, error) {
	s := db.Session()
	r := s.Do(args)
	if r.Kind == ErrorReply && r.Text == ErrClosed.Error() {
		return r, ErrClosed
	}
	if err := s.Flush(); err != nil {
		return r, err
	}
	return r, r.Err()
}

// Compact writes the log anew with only what is alive. Writers wait meanwhile.
// After an error of the disk it makes the store writable again.
func (db *DB) Compact(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return ErrClosed
	}
	if db.log == nil {
		return nil
	}
	err := db.log.Replace(func(add func([]byte) error) error {
		var unit []byte
		for k := range db.data {
			e := db.get(k)
			if e == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			unit = e.appendTo(unit[:0], k)
			if err := add(unit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("kvstore: compact: %w", err)
	}
	return nil
}

// appendTo appends the commands that make the entry.
func (e *entry) appendTo(dst []byte, key string) []byte {
	switch e.kind {
	case kindString:
		dst = resp.AppendCommand(dst, "SET", key, string(e.str))
	case kindHash:
		args := []string{"HSET", key}
		for f, v := range e.hash {
			args = append(args, f, string(v))
		}
		dst = resp.AppendCommand(dst, args...)
	case kindList:
		args := []string{"RPUSH", key}
		for i := range e.list.n {
			args = append(args, string(e.list.at(i)))
		}
		dst = resp.AppendCommand(dst, args...)
	}
	if e.expireAt != 0 {
		dst = resp.AppendCommand(dst, "PEXPIREAT", key, strconv.FormatInt(e.expireAt, 10))
	}
	return dst
}

// expireLoop removes expired keys now and then, so that those that nobody reads
// do not stay.
func (db *DB) expireLoop() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-db.stop:
			return
		case <-tick.C:
			for db.expireSome(200) {
			}
		}
	}
}

// expireSome looks at n keys and tells whether many of them had expired.
func (db *DB) expireSome(n int) bool {
	looked, gone := 0, 0
	var r Reply // an error of the log is told to the next writer
	db.Session().atomically(func(c *cmdContext) {
		for k := range db.expires { // the order of a map is random enough
			if looked++; looked > n {
				break
			}
			if c.get(k) == nil {
				gone++
			}
		}
	}, &r)
	return gone > n/4
}

// remove deletes a key. Called with mu held.
func (db *DB) remove(key string) {
	delete(db.data, key)
	delete(db.expires, key)
}
