package kvstore

import (
	"bytes"
	"strings"
	"sync/atomic"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// cmdFlags are Redis's flags of a command.
type cmdFlags uint32

const (
	fAdmin cmdFlags = 1 << iota
	fAllowBusy
	fBlocking
	fDenyOOM
	fFast
	fLoading
	fMovable
	fNoAsyncLoading
	fNoAuth
	fNoMulti
	fNoScript
	fPubSub
	fReadonly
	fSkipSlowlog
	fStale
	fWrite
)

var flagNames = [...]string{
	"admin", "allow_busy", "blocking", "denyoom", "fast", "loading", "movablekeys", "no_async_loading", "no_auth",
	"no_multi", "noscript", "pubsub", "readonly", "skip_slowlog", "stale", "write",
}

// lockMode says which stripes a command needs.
type lockMode uint8

const (
	lockKeys lockMode = iota // those of its keys
	lockAll
	lockOwn // it locks what it looks at itself: in a transaction all have to be locked before
)

// A command is an entry of the table of commands.
type command struct {
	name              string // in lower case; a subcommand's has a bar
	arity             int    // not positive: at least so many arguments
	flags             cmdFlags
	first, last, step int    // places of the keys; a negative last counts from the end
	spec              string // what it does with its keys; see specs
	cats, group, tips string
	keys              func(a [][]byte) []int // places of the keys, if they depend on the arguments
	lock              lockMode
	run               func(s *Session, a [][]byte)
	glance            func(s *Session, a [][]byte) bool // nil, or run without a lock; false: it takes one

	stat     *commandStat
	upper    string // what is behind the bar, or all, in upper case
	subs     []*command
	isParent bool
}

// commandStat counts the calls of a command.
type commandStat struct {
	calls, nanos, rejected, failed atomic.Int64
}

// commandTable finds commands by name.
type commandTable struct {
	all   []*command // subcommands follow their parents
	slots [1024]*command
}

func newCommandTable() *commandTable {
	list := commandList()
	t := &commandTable{}
	stats := make([]commandStat, len(list))
	var parent *command
	for i := range list {
		c := &list[i]
		c.stat = &stats[i]
		c.upper = strings.ToUpper(c.name)
		if head, sub, ok := strings.Cut(c.upper, "|"); ok && strings.EqualFold(parent.name, head) {
			c.upper = sub
			parent.subs = append(parent.subs, c)
			parent.isParent = true
		} else {
			parent = c
			t.put(c)
		}
		t.all = append(t.all, c)
	}
	return t
}

// slotOf hashes a name, upper and lower case alike.
func slotOf(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return (h ^ h>>15) % 1024
}

func (t *commandTable) put(c *command) {
	i := slotOf([]byte(c.name))
	for t.slots[i] != nil {
		i = (i + 1) % 1024
	}
	t.slots[i] = c
}

// find returns a command by its name, in upper or lower case, or nil.
func (t *commandTable) find(name []byte) *command {
	for i := slotOf(name); ; i = (i + 1) % 1024 {
		c := t.slots[i]
		if c == nil || is(name, c.upper) {
			return c
		}
	}
}

// sub returns a subcommand, or nil.
func (c *command) sub(name []byte) *command {
	for _, sc := range c.subs {
		if is(name, sc.upper) {
			return sc
		}
	}
	return nil
}

// arityOK tells whether n arguments, the name included, are a right number.
func (c *command) arityOK(n int) bool {
	return n == c.arity || c.arity < 0 && n >= -c.arity
}

// resolve finds the command of some arguments, or the error that Redis answers.
func (t *commandTable) resolve(a [][]byte) (*command, string) {
	c := t.find(a[0])
	if c == nil {
		return nil, unknownCommand(a)
	}
	if c.isParent && len(a) > 1 {
		sc := c.sub(a[1])
		if sc == nil {
			return c, "ERR unknown subcommand '" + cut(a[1], 128) + "'. Try " + c.upper + " HELP."
		}
		c = sc
	}
	if !c.arityOK(len(a)) || c.run == nil {
		return c, wrongArity(c)
	}
	return c, ""
}

func wrongArity(c *command) string {
	return "ERR wrong number of arguments for '" + c.name + "' command"
}

// badSubcommand answers that a subcommand takes no such arguments.
func (s *Session) badSubcommand(a [][]byte) {
	s.fail("ERR unknown subcommand or wrong number of arguments for '" + cut(a[1], 128) + "'. Try " + strings.ToUpper(string(a[0])) + " HELP.")
}

func unknownCommand(a [][]byte) string {
	var args strings.Builder
	for _, arg := range a[1:] {
		if args.Len() >= 128 {
			break
		}
		args.WriteString("'" + cut(arg, 128-args.Len()) + "' ")
	}
	return "ERR unknown command '" + cut(a[0], 128) + "', with args beginning with: " + args.String()
}

// cut returns at most n bytes, and nothing from the first zero on, as C prints it.
func cut(b []byte, n int) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b[:min(len(b), n)])
}

// eachKey calls f with the place of each key.
func (c *command) eachKey(a [][]byte, f func(i int)) {
	if c.keys != nil {
		for _, i := range c.keys(a) {
			f(i)
		}
		return
	}
	if c.first == 0 {
		return
	}
	last := c.last
	if last < 0 {
		last += len(a)
	}
	for i := c.first; i <= last && i < len(a); i += c.step {
		f(i)
	}
}

// locksOf returns the stripes that a command needs.
func (s *Session) locksOf(c *command, a [][]byte) keyspace.Mask {
	switch {
	case c.lock == lockAll:
		return keyspace.All
	case c.keys == nil && c.first == 0:
		return 0
	case c.keys == nil && c.last == c.first:
		return keyspace.MaskOf(s.hash(a[c.first]))
	}
	var m keyspace.Mask
	c.eachKey(a, func(i int) { m |= keyspace.MaskOf(s.db.sp.Hash(a[i])) })
	return m
}

// keysFrom returns the places of the keys that an argument counts.
func keysFrom(a [][]byte, num int) []int {
	if num >= len(a) {
		return nil
	}
	n, ok := parseInt(a[num])
	if !ok || n <= 0 || n > int64(len(a)-num-1) {
		return nil
	}
	places := make([]int, n)
	for i := range places {
		places[i] = num + 1 + i
	}
	return places
}

func keysNum(a [][]byte) []int  { return keysFrom(a, 1) }
func keysNum2(a [][]byte) []int { return keysFrom(a, 2) }
func keysStoreNum(a [][]byte) []int {
	return append(keysFrom(a, 2), 1)
}
