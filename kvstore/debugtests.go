package kvstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
)

// debugTests are the subcommands of DEBUG that test suites of clients and Redis's own
// need, beside those that say something of the data. It tells whether it knew one.
func (s *Session) debugTests(a [][]byte) bool {
	switch {
	case is(a[1], "PROTOCOL") && len(a) == 3:
		s.debugProtocol(a[2])
	case is(a[1], "POPULATE") && 3 <= len(a) && len(a) <= 5:
		s.populate(a[2:])
	case is(a[1], "LOADAOF") && len(a) == 2:
		if err := s.db.loadAOF(s.held != 0); err != nil {
			s.fail("ERR " + err.Error())
			return true
		}
		s.w.ok()
	case is(a[1], "LOG") && len(a) == 3:
		s.db.logger.Warn("DEBUG LOG: " + string(a[2]))
		s.w.ok()
	case is(a[1], "ERROR") && len(a) == 3:
		s.fail(string(bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return ' '
			}
			return r
		}, a[2])))
	case is(a[1], "SET-SKIP-CHECKSUM-VALIDATION") && len(a) == 3:
		s.db.skipChecksum.Store(string(a[2]) != "0")
		s.w.ok()
	case is(a[1], "PAUSE-CRON") && len(a) == 3:
		s.db.cronPaused.Store(string(a[2]) != "0")
		s.w.ok()
	case (is(a[1], "QUICKLIST-PACKED-THRESHOLD") || is(a[1], "SET-DISABLE-DENY-SCRIPTS") || is(a[1], "AOF-FLUSH-SLEEP")) && len(a) == 3:
		s.w.ok() // there is nothing of the kind
	default:
		return false
	}
	return true
}

// debugProtocol answers a reply of each type, as Redis does.
func (s *Session) debugProtocol(name []byte) {
	w := &s.w
	switch {
	case is(name, "STRING"):
		w.str("Hello World")
	case is(name, "INTEGER"):
		w.int(12345)
	case is(name, "DOUBLE"):
		w.double(3.141)
	case is(name, "NULL"):
		w.null()
	case is(name, "ARRAY"), is(name, "SET"):
		if is(name, "SET") {
			w.setHead(3)
		} else {
			w.array(3)
		}
		for i := range 3 {
			w.count(i)
		}
	case is(name, "MAP"):
		w.mapHead(3)
		for i := range 3 {
			w.count(i)
			w.trueFalse(i == 1)
		}
	case is(name, "ATTRIB"):
		if w.proto >= 3 {
			w.head('|', 1)
			w.str("key-popularity")
			w.array(2)
			w.str("key:123")
			w.int(90)
		}
		w.str("Some real reply following the attribute")
	case is(name, "PUSH"):
		w.pushHead(2)
		w.str("server-cpu-usage")
		w.int(42)
		w.str("Some real reply following the push reply")
	case is(name, "TRUE"), is(name, "FALSE"):
		w.trueFalse(is(name, "TRUE"))
	case is(name, "VERBATIM"):
		w.verbatim("txt", "This is a verbatim\nstring")
	case is(name, "BIGNUM"):
		const n = "1234567999999999999999999999999999999"
		if w.proto < 3 {
			w.str(n)
		} else {
			w.b = append(append(w.b, '('), n+"\r\n"...)
		}
	default:
		s.fail("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
	}
}

// populate makes keys prefix:0, prefix:1..., of those that are not there, with short
// values, or of a size.
func (s *Session) populate(a [][]byte) {
	n, ok := parseInt(a[0])
	if !ok || n < 0 {
		s.fail(msgPositive)
		return
	}
	if s.held != 0 {
		s.fail("ERR DEBUG POPULATE inside of a transaction")
		return
	}
	prefix, size := "key", int64(0)
	if len(a) > 1 {
		prefix = string(a[1])
	}
	if len(a) > 2 {
		if size, ok = parseInt(a[2]); !ok || size < 0 || size > s.db.conf.maxBulk.Load() {
			s.fail(msgPositive)
			return
		}
	}
	h := s.db.NewSession(nil)
	h.dbi, h.quiet = s.dbi, true
	var out []byte
	for i := range n {
		v := []byte("value:" + strconv.FormatInt(i, 10))
		if size > 0 {
			v = append(v, make([]byte, size)...)[:size]
		}
		out = h.Exec(out[:0], [][]byte{[]byte("SETNX"), []byte(prefix + ":" + strconv.FormatInt(i, 10)), v})
	}
	s.last = max(s.last, h.EndBatch())
	s.w.ok()
}

// loadAOF replaces everything by what the log has.
func (db *DB) loadAOF(inside bool) error {
	log := db.log.Load()
	switch {
	case inside:
		return errors.New("DEBUG LOADAOF inside of a transaction")
	case db.dir == "":
		return errors.New("the store has no folder")
	case log != nil:
		if err := log.Sync(); err != nil {
			return err
		}
	}
	folder := filepath.Join(db.dir, aof.Dir)
	m, err := aof.ReadManifest(folder)
	if err != nil {
		return err
	}
	// What reads it is a store of its own, on a copy: reading cuts torn tails.
	dir, err := os.MkdirTemp("", "kvstore-loadaof-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in a temporary folder
	dst := filepath.Join(dir, aof.Dir)
	if err := os.Mkdir(dst, 0o700); err != nil {
		return err
	}
	for _, f := range m.Files {
		data, err := os.ReadFile(filepath.Join(folder, f.Name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dst, f.Name), data, 0o600)
		}
		if err != nil && f.Type != 'h' {
			return err
		}
	}
	if err := m.Write(dst); err != nil {
		return err
	}
	other, err := Open(dir, &Options{Databases: db.sp.DBs(), Now: db.now})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer func() { _ = other.Close() }() // nothing is kept of it
	var b bytes.Buffer
	if err := other.Save(&b); err != nil {
		return err
	}
	return db.Load(&b)
}
