package kvstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
	"github.com/groundwork-go/groundwork/kvstore/resp"
)

const logName = "appendonly.aof"

func (db *DB) openDir(fsync Fsync) (err error) {
	if err := os.MkdirAll(db.dir, 0o755); err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	if db.lock, err = lockFile(filepath.Join(db.dir, "LOCK")); err != nil {
		return err
	}
	policy := [...]aof.Policy{FsyncEverySec: aof.EverySec, FsyncAlways: aof.Always, FsyncNo: aof.Never}[fsync]
	path := filepath.Join(db.dir, logName)
	s := db.NewSession(nil)
	s.replaying, s.quiet = true, true
	log, dropped, err := aof.Open(path, policy, func(unit []byte, offset int64) error { return db.replayUnit(s, unit, offset) })
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
func (db *DB) replayUnit(s *Session, unit []byte, offset int64) error {
	s.dbi = 0
	r := resp.NewReader(bytes.NewReader(unit), nil)
	for {
		args, err := r.ReadCommand()
		if err != nil {
			if r.Buffered() == 0 && err.Error() == "EOF" {
				return nil
			}
			return fmt.Errorf("unit at offset %d: %w", offset, err)
		}
		if is(args[0], "MULTI") || is(args[0], "EXEC") {
			continue
		}
		if out := s.Exec(s.w.b[:0], args); len(out) > 0 && out[0] == '-' {
			return fmt.Errorf("unit at offset %d: %s: %s", offset, args[0], out)
		}
	}
}

// logUnit appends n commands of a database to the log.
func (db *DB) logUnit(dbi int, unit []byte, n int, _ *Session) uint64 {
	if dbi != 0 || n > 1 {
		var head []byte
		if n > 1 {
			head = appendArgs(head, "MULTI")
		}
		if dbi != 0 {
			head = appendArgs(head, "SELECT", strconv.Itoa(dbi))
		}
		unit = append(head, unit...)
		if n > 1 {
			unit = appendArgs(unit, "EXEC")
		}
	}
	t, _ := db.log.Append(unit) // an error is found by Commit
	return uint64(t)
}

// logErr tells why nothing can be written.
func (db *DB) logErr() error {
	if db.log == nil {
		return nil
	}
	return db.log.Err()
}

func misconf(err error) string {
	return "MISCONF Errors writing to the AOF file: " + err.Error()
}

// Commit returns when the writes up to a ticket of [Session.EndBatch] are as safe
// as Options.Fsync promises. All who wait at the same time share one sync.
func (db *DB) Commit(ticket uint64) error {
	if ticket == 0 || db.log == nil {
		return nil
	}
	return db.log.Wait(int64(ticket))
}

// CommitAsync calls done, from another goroutine, when Commit would return.
func (db *DB) CommitAsync(ticket uint64, done func(error)) {
	go func() { done(db.Commit(ticket)) }()
}

// Sync returns when everything that was written before is on disk.
func (db *DB) Sync() error {
	if db.log == nil {
		return nil
	}
	return db.log.Sync()
}

// Compact writes the log anew with only what is alive. Writers wait meanwhile.
// After an error of the disk it makes the store writable again.
func (db *DB) Compact(ctx context.Context) error {
	if db.closed.Load() {
		return ErrClosed
	}
	if db.log == nil {
		return nil
	}
	db.sp.RLock(keyspace.All)
	defer db.sp.RUnlock(keyspace.All)
	return db.log.Replace(func(add func([]byte) error) error {
		for dbi := range db.sp.DBs() {
			for i := range keyspace.Stripes {
				var err error
				db.sp.ShardAt(dbi, i).Each(func(e keyspace.Entry) bool {
					if err = ctx.Err(); err == nil {
						v := e.Freeze()
						var unit []byte
						if dbi != 0 {
							unit = appendArgs(unit, "SELECT", strconv.Itoa(dbi))
						}
						err = add(appendValue(unit, e.Key(), &v))
					}
					return err == nil
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// appendValue appends the commands that make a key a value.
func appendValue(dst, key []byte, v *keyspace.Value) []byte {
	if v.Type == keyspace.String {
		dst = appendArgs(dst, []byte("SET"), key, v.Str())
	} else {
		name := [...]string{keyspace.List: "RPUSH", keyspace.Set: "SADD", keyspace.ZSet: "ZADD", keyspace.Hash: "HSET"}[v.Type]
		var args [][]byte
		flush := func() {
			dst = appendArgs(dst, append([][]byte{[]byte(name), key}, args...)...)
			args = args[:0]
		}
		v.Each(func(a, b []byte, score float64) bool {
			switch v.Type {
			case keyspace.ZSet:
				args = append(args, appendFloat(nil, score), a)
			case keyspace.Hash:
				args = append(args, a, b)
			default:
				args = append(args, a)
			}
			if len(args) >= 128 {
				flush()
			}
			return true
		})
		if len(args) > 0 {
			flush()
		}
	}
	if v.ExpireAt != 0 {
		dst = appendArgs(dst, []byte("PEXPIREAT"), key, itoa(v.ExpireAt))
	}
	return dst
}
