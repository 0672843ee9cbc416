package kvstore

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// A CommandSpec describes a command written in Go. A nil *CommandSpec is for one
// that takes any number of arguments, and may write any key.
type CommandSpec struct {
	// Arity is the number of arguments, the name included; -n is at least n. Zero
	// means any.
	Arity int
	// ReadOnly says that the command changes nothing.
	ReadOnly bool
	// FirstKey, LastKey and Step say which arguments are keys: those from the first
	// to the last place, negative from the end, every Step places; zero means 1. The
	// command may use no others, and only others with them wait for it. If FirstKey
	// is zero, it may use all keys, and no other command runs meanwhile.
	FirstKey, LastKey, Step int
}

// A HandlerFunc is a command written in Go. It runs as a transaction: if it returns
// an error, or panics, which is answered as one, nothing has changed. args has the
// name first, and is valid during the call. It must not call methods of the DB.
type HandlerFunc func(tx *Tx, args [][]byte) (Reply, error)

// Handle adds a command, for sessions and for Do. What it does is logged, not the
// command: it need not be there when the log is read. An error that is no
// [CommandError] is answered with the code ERR.
func (db *DB) Handle(name string, spec *CommandSpec, f HandlerFunc) error {
	if spec == nil {
		spec = &CommandSpec{}
	}
	if name == "" || strings.ContainsAny(name, " |\r\n") || f == nil {
		return fmt.Errorf("%w: Handle of command %q", ErrConfig, name)
	}
	c := &command{
		name: strings.ToLower(name), upper: strings.ToUpper(name), arity: spec.Arity, flags: fWrite | fDenyOOM,
		first: spec.FirstKey, last: spec.LastKey, step: max(spec.Step, 1), cats: "@slow", group: "generic", stat: &commandStat{},
	}
	if c.arity == 0 {
		c.arity = -1
	}
	if spec.ReadOnly {
		c.flags = fReadonly
	}
	if c.first == 0 {
		c.lock = lockAll
	} else {
		if c.last == 0 {
			c.last = c.first
		}
		c.spec = "RW,access,update"
		if spec.ReadOnly {
			c.spec = "RO,access"
		}
	}
	c.run = func(s *Session, a [][]byte) { s.handle(c, f, a) }
	for {
		old := db.cmds.Load()
		if old.find([]byte(name)) != nil {
			return fmt.Errorf("%w: there is a command %q", ErrConfig, name)
		}
		if len(old.all) >= len(old.slots)/2 {
			return fmt.Errorf("%w: too many commands", ErrConfig)
		}
		t := *old
		t.all = append(old.all[:len(old.all):len(old.all)], c)
		t.put(c)
		if db.cmds.CompareAndSwap(old, &t) {
			return nil
		}
	}
}

// handle runs a command written in Go. Its stripes are locked.
func (s *Session) handle(c *command, f HandlerFunc, a [][]byte) {
	out, held := s.w, s.held
	if held == 0 {
		s.held = s.locksOf(c, a)
	}
	outer := s.undo == nil
	if outer {
		s.undo = make(map[blockKey]*keyspace.Value)
	}
	unit, n := len(s.unit), s.unitN
	s.w = writer{proto: 3}
	good := false
	var r Reply
	var err error
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the command '%s' has failed: %v", c.name, p)
			s.db.logger.Error("a command written in Go has panicked", "command", c.name, "panic", p, "stack", string(debug.Stack()))
		}
		if outer && !good {
			s.rollBackTo(unit, n)
		}
		if outer {
			s.undo = nil
		}
		s.w, s.held = out, held
		s.cmd, s.dirty, s.rewritten = c, 0, true
		switch {
		case err != nil:
			text := err.Error()
			if _, ok := err.(CommandError); !ok {
				text = "ERR " + text
			}
			s.fail(text)
		default:
			s.failed = false
			s.w.reply(&r)
		}
	}()
	r, err = f(&Tx{s: s, readOnly: c.flags&fWrite == 0}, a)
	good = err == nil
}

// reply appends a tree.
func (w *writer) reply(r *Reply) {
	switch r.Kind {
	case StatusReply:
		w.status(strings.NewReplacer("\r", " ", "\n", " ").Replace(r.Text))
		return
	case ErrorReply:
		w.fail(r.Text)
		return
	case IntReply:
		w.int(r.Int)
		return
	case BoolReply:
		w.trueFalse(r.Int != 0)
		return
	case DoubleReply:
		w.double(r.Float)
		return
	case BulkReply:
		w.bulk(r.Bytes)
		return
	case ArrayReply:
		w.array(len(r.Elems))
	case MapReply:
		w.mapHead(len(r.Elems) / 2)
	case SetReply:
		w.setHead(len(r.Elems))
	default:
		w.null()
		return
	}
	for i := range r.Elems {
		w.reply(&r.Elems[i])
	}
}
