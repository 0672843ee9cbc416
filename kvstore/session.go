package kvstore

import (
	"bytes"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/resp"
)

// A Session runs commands as one client: it has what a connection has in Redis, an
// open MULTI. Package server has one for each connection. A Session is for one
// goroutine at a time.
type Session struct {
	db     *DB
	queued [][][]byte // of MULTI
	multi  bool
	broken bool  // a queued command was refused
	last   int64 // number of the last unit in the log
	err    error // of the log
}

// Session returns a new session.
func (db *DB) Session() *Session { return &Session{db: db} }

// Do runs a command; its arguments are not kept. Before the reply of a write is
// shown to anybody, Flush must have returned without an error.
func (s *Session) Do(args [][]byte) Reply {
	if len(args) == 0 {
		return fail("ERR empty command")
	}
	name := strings.ToUpper(string(args[0]))
	switch name {
	case "MULTI", "EXEC", "DISCARD":
		if len(args) != 1 {
			s.broken = s.multi
			return wrongArity(args[0])
		}
	}
	switch name {
	case "MULTI":
		if s.multi {
			return fail("ERR MULTI calls can not be nested")
		}
		s.multi = true
		return status("OK")
	case "DISCARD":
		if !s.multi {
			return fail("ERR DISCARD without MULTI")
		}
		s.endMulti()
		return status("OK")
	case "EXEC":
		return s.exec()
	}
	cmd, bad := lookUp(name, args)
	s.db.commands.Add(1)
	if s.multi {
		if bad.Kind == ErrorReply {
			s.broken = true
			return bad
		}
		clone := make([][]byte, len(args))
		for i, a := range args {
			clone[i] = bytes.Clone(a)
		}
		s.queued = append(s.queued, clone)
		return status("QUEUED")
	}
	if bad.Kind == ErrorReply {
		return bad
	}
	if !cmd.write {
		s.db.mu.RLock()
		defer s.db.mu.RUnlock()
		if s.db.closed {
			return fail("%v", ErrClosed)
		}
		return cmd.run(&cmdContext{db: s.db}, args)
	}
	var r Reply
	s.atomically(func(c *cmdContext) { r = cmd.run(c, args) }, &r)
	return r
}

func (s *Session) endMulti() {
	s.queued, s.multi, s.broken = nil, false, false
}

func (s *Session) exec() Reply {
	if !s.multi {
		return fail("ERR EXEC without MULTI")
	}
	queued, broken := s.queued, s.broken
	s.endMulti()
	if broken {
		return fail("EXECABORT Transaction discarded because of previous errors.")
	}
	r := array(make([]Reply, 0, len(queued)))
	s.atomically(func(c *cmdContext) {
		for _, args := range queued {
			r.Elems = append(r.Elems, c.run(args))
		}
	}, &r)
	return r
}

// atomically runs f under the lock and logs what it did as one unit. If that
// fails, so does the reply.
func (s *Session) atomically(f func(c *cmdContext), r *Reply) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	if s.db.closed {
		*r = fail("%v", ErrClosed)
		return
	}
	if s.db.log != nil {
		// Nothing is changed in memory that could not be logged.
		if err := s.db.log.Err(); err != nil {
			*r = fail("MISCONF %v", err)
			return
		}
	}
	c := &cmdContext{db: s.db, write: true}
	f(c)
	if s.db.log == nil || c.effects == 0 {
		return
	}
	unit := c.unit
	if c.effects > 1 {
		unit = append(resp.AppendCommand(nil, "MULTI"), unit...)
		unit = resp.AppendCommand(unit, "EXEC")
	}
	n, err := s.db.log.Append(unit)
	if err != nil {
		s.err = err
		*r = fail("MISCONF %v", err)
		return
	}
	s.last = n
}

// Flush returns when all writes of the session are as safe as Options.Fsync
// promises.
func (s *Session) Flush() error {
	if s.err != nil {
		err := s.err
		s.err = nil
		return err
	}
	if s.db.log == nil || s.last == 0 {
		return nil
	}
	return s.db.log.Wait(s.last)
}

// A Tx is a set of changes that become visible, and durable, together. It is
// valid inside of the function given to Update.
type Tx struct {
	db    *DB
	wrote map[string][]byte // nil value: deleted
	order []string
}

// Get returns the string at key as the transaction sees it, or [ErrNotFound].
func (tx *Tx) Get(key string) ([]byte, error) {
	if v, ok := tx.wrote[key]; ok {
		if v == nil {
			return nil, ErrNotFound
		}
		return bytes.Clone(v), nil
	}
	v, err := tx.db.stringAt(key) // Update holds the lock
	return bytes.Clone(v), err
}

// Set stores a string under key. value is copied.
func (tx *Tx) Set(key string, value []byte) {
	tx.note(key, append(make([]byte, 0, len(value)+1), value...))
}

// Delete removes a key.
func (tx *Tx) Delete(key string) { tx.note(key, nil) }

func (tx *Tx) note(key string, value []byte) {
	if _, ok := tx.wrote[key]; !ok {
		tx.order = append(tx.order, key)
	}
	tx.wrote[key] = value
}

// Update runs f and then applies what it changed, all or, if f returns an error,
// nothing. No other command runs meanwhile: f must not call methods of the DB.
func (db *DB) Update(f func(*Tx) error) error {
	s := db.Session()
	var r Reply
	var userErr error
	s.atomically(func(c *cmdContext) {
		tx := &Tx{db: db, wrote: make(map[string][]byte)}
		if userErr = f(tx); userErr != nil {
			return
		}
		for _, k := range tx.order {
			if v := tx.wrote[k]; v == nil {
				r = c.run([][]byte{[]byte("DEL"), []byte(k)})
			} else {
				r = c.run([][]byte{[]byte("SET"), []byte(k), v})
			}
		}
	}, &r)
	if userErr != nil {
		return userErr
	}
	if r.Kind == ErrorReply && r.Text == ErrClosed.Error() {
		return ErrClosed
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return r.Err()
}
