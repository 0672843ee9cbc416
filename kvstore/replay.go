package kvstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// loadFile runs the commands of a file. A torn tail is cut off if the file is the
// last one.
func (db *DB) loadFile(path string, last bool) (res aof.Result, err error) {
	data, done, err := aof.Map(path)
	if errors.Is(err, os.ErrNotExist) {
		return res, &CorruptError{File: path, Err: err}
	}
	if err != nil {
		return res, fmt.Errorf("kvstore: %w", err)
	}
	defer done()
	l := &db.loading
	defer func(file int64) { l.loaded, l.before = file, file }(l.before + int64(len(data)))
	var head int64 // length of a snapshot before the commands
	if bytes.HasPrefix(data, []byte("REDIS")) {
		if head, err = db.loadSnapshot(data); err != nil {
			return res, db.corrupt(path, offsetOf(err), err)
		}
		l.before += head
	}
	if res, err = db.loadCommands(path, data[head:]); err == nil {
		res.Good += head
		err = db.cutTail(path, int64(len(data)), res, last)
	}
	var ce *CorruptError
	if errors.As(err, &ce) {
		ce.Offset += head
	}
	res.Checksummed = res.Checksummed && head == 0
	return res, err
}

func offsetOf(err error) int64 {
	var re *rdb.Error
	if errors.As(err, &re) {
		return re.Offset
	}
	return 0
}

// corrupt says which file an error is of, unless the store was closed meanwhile.
func (db *DB) corrupt(path string, at int64, err error) error {
	if errors.Is(err, ErrClosed) {
		return err
	}
	return &CorruptError{File: path, Offset: at, Err: err}
}

// loadCommands runs the commands of a log.
func (db *DB) loadCommands(path string, data []byte) (res aof.Result, err error) {
	p := &replay{db: db, s: db.NewSession(nil)}
	p.s.replaying, p.s.quiet = true, true
	p.s.early, p.s.special = false, false
	if res, err = aof.Scan(data, p); err == nil {
		err = db.turn(p.n%keysPerTurn, int64(len(data)))
	}
	var damage *aof.DamageError
	switch {
	case errors.As(err, &damage):
		return res, db.corrupt(path, damage.Offset, err)
	case err != nil:
		return res, db.corrupt(path, res.Good, err)
	}
	return res, nil
}

// replay runs the commands of a log.
type replay struct {
	db  *DB
	s   *Session
	n   int64 // of commands
	out []byte
}

// Ahead loads into the processor's cache what the commands will look at.
func (p *replay) Ahead(commands [][][]byte) {
	var hashes [MostPrefetched]uint64
	p.s.touched += p.db.sp.TouchOwn(p.s.dbi, p.s.firstHashes(commands, &hashes))
}

// Play runs a command.
func (p *replay) Play(at int, args [][]byte) error {
	if p.n++; p.n%keysPerTurn == 0 {
		if err := p.db.turn(keysPerTurn, int64(at)); err != nil {
			return err
		}
	}
	if len(args) == 1 && (is(args[0], "MULTI") || is(args[0], "EXEC")) {
		return nil // what is between is applied as a whole anyway
	}
	if p.out = p.s.Exec(p.out[:0], args); len(p.out) > 0 && p.out[0] == '-' {
		if p.db.closed.Load() {
			return ErrClosed
		}
		return fmt.Errorf("%s: %s", args[0], strings.TrimSpace(string(p.out)))
	}
	return nil
}

// cutTail cuts off the torn tail of the last file, and what was only reserved.
func (db *DB) cutTail(path string, size int64, res aof.Result, last bool) error {
	torn := size - res.Good - res.Reserved
	switch {
	case torn == 0 && (res.Reserved == 0 || !last):
		return nil
	case !last || torn > 0 && !db.conf.truncated.Load():
		return &CorruptError{File: path, Offset: res.Good, Err: errors.New("the end is missing")}
	case torn > 0:
		db.logger.Warn("the tail of the log was torn and is cut off", "file", path, "offset", res.Good, "bytes", torn)
	}
	if err := os.Truncate(path, res.Good); err != nil {
		return fmt.Errorf("kvstore: %w", err)
	}
	return nil
}
