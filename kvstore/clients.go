package kvstore

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clientInfo is what CLIENT LIST tells of a session. Others read it.
type clientInfo struct {
	id      int64
	began   time.Time
	usedAt  atomic.Int64 // uptime in nanoseconds of the last command
	lastCmd atomic.Pointer[command]
	name    atomic.Pointer[string]
	db      atomic.Int32
	proto   atomic.Int32
	sub     atomic.Int32
	psub    atomic.Int32
	ssub    atomic.Int32
	multi   atomic.Int32 // commands in an open MULTI, -1: none
	blocked atomic.Bool
	monitor atomic.Bool
	noEvict atomic.Bool
	killed  atomic.Bool
}

func (c *clientInfo) used(cmd *command, now time.Duration) {
	if c.lastCmd.Load() != cmd {
		c.lastCmd.Store(cmd)
	}
	c.usedAt.Store(int64(now))
}

func (c *clientInfo) subscribed(s *Session) {
	c.sub.Store(int32(len(s.subs.names[byName])))
	c.psub.Store(int32(len(s.subs.names[byPattern])))
	c.ssub.Store(int32(len(s.subs.names[byShard])))
}

// registry has the sessions of clients.
type registry struct {
	mu     sync.Mutex
	last   int64              // guarded by mu; id
	all    map[int64]*Session // guarded by mu
	n      atomic.Int64
	total  atomic.Int64
	reject atomic.Int64
}

func (r *registry) add(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	s.client.id = r.last
	s.client.began = time.Now()
	s.client.usedAt.Store(int64(s.db.uptime()))
	s.client.multi.Store(-1)
	s.client.proto.Store(2)
	if r.all == nil {
		r.all = make(map[int64]*Session)
	}
	r.all[s.client.id] = s
	r.n.Add(1)
	r.total.Add(1)
}

func (r *registry) remove(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.all[s.client.id]; ok {
		delete(r.all, s.client.id)
		r.n.Add(-1)
	}
}

// list returns the sessions by id.
func (r *registry) list() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Session, 0, len(r.all))
	for _, s := range r.all {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Session) int { return cmp.Compare(a.client.id, b.client.id) })
	return list
}

// unixPath returns the path of a Unix socket's address, or nothing.
func unixPath(addr string) string {
	if path, ok := strings.CutSuffix(addr, ":0"); ok && strings.HasPrefix(path, "/") {
		return path
	}
	return ""
}

// replyBuffer is the size of the buffer that Redis has for the output of a client.
const replyBuffer = 16 << 10

// commandSize returns the bytes of the arguments of a command, and of all that was sent
// of it.
func commandSize(a [][]byte) (args, sent int) {
	header := func(n int) int { return len(strconv.Itoa(n)) + 3 }
	sent = header(len(a))
	for _, arg := range a {
		args += len(arg)
		sent += header(len(arg)) + len(arg) + 2
	}
	return args, sent
}

// line is the client's line in CLIENT LIST; a is the command if it is the client's own.
func (s *Session) line(a [][]byte) string {
	c := &s.client
	flags := ""
	if c.monitor.Load() {
		flags += "O"
	}
	if c.sub.Load()+c.psub.Load()+c.ssub.Load() > 0 {
		flags += "P"
	}
	if c.multi.Load() >= 0 {
		flags += "x"
	}
	if c.blocked.Load() {
		flags += "b"
	}
	if unixPath(s.o.LocalAddr) != "" {
		flags += "U"
	}
	if c.noEvict.Load() {
		flags += "e"
	}
	if flags == "" {
		flags = "N"
	}
	name, cmd := "", "NULL"
	if p := c.name.Load(); p != nil {
		name = *p
	}
	if p := c.lastCmd.Load(); p != nil {
		cmd = p.name
	}
	var in, inFree, out int
	if s.o.Buffers != nil {
		in, inFree, out = s.o.Buffers()
	}
	args := 0
	if a != nil {
		args, in = commandSize(a)
	}
	obl := min(out, replyBuffer) // what is more is in a list, as Redis counts
	omem := out - obl
	oll := (omem + replyBuffer - 1) / replyBuffer
	idle := max(0, s.db.uptime()-time.Duration(c.usedAt.Load()))
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=0 rbs=1024 rbp=0 obl=%d oll=%d omem=%d tot-mem=%d events=r cmd=%s user=default redir=-1 resp=%d",
		c.id, s.o.Addr, s.o.LocalAddr, s.o.FD, name, int(time.Since(c.began).Seconds()), int(idle.Seconds()), flags, c.db.Load(),
		c.sub.Load(), c.psub.Load(), c.ssub.Load(), c.multi.Load(), in, inFree, args, obl, oll, omem, args+1024+in+inFree+out, cmd, c.proto.Load())
}

func cmdClientList(s *Session, a [][]byte) {
	s.client.sync(s)
	list := s.db.clients.list()
	switch {
	case len(a) == 4 && is(a[2], "TYPE"):
		class, ok := clientType(a[3])
		if !ok {
			s.fail("ERR Unknown client type '" + string(a[3]) + "'")
			return
		}
		list = slices.DeleteFunc(list, func(o *Session) bool { return o.typeName() != class })
	case len(a) > 3 && is(a[2], "ID"): // in the order asked for, twice if asked for twice
		all := list
		list = nil
		for _, arg := range a[3:] {
			id, ok := parseInt(arg)
			if !ok {
				s.fail("ERR Invalid client ID")
				return
			}
			i, ok := slices.BinarySearchFunc(all, id, func(o *Session, id int64) int { return cmp.Compare(o.client.id, id) })
			if ok {
				list = append(list, all[i])
			}
		}
	case len(a) != 2:
		s.fail(msgSyntax)
		return
	}
	var b strings.Builder
	for _, o := range list {
		own := a
		if o != s {
			own = nil
		}
		b.WriteString(o.line(own) + "\n")
	}
	s.w.verbatim("txt", b.String())
}

// sync takes over what only the owner knows.
func (c *clientInfo) sync(s *Session) {
	c.db.Store(int32(s.dbi))
	c.proto.Store(int32(s.w.proto))
	c.lastCmd.Store(s.cmd)
}

func clientType(b []byte) (string, bool) {
	switch {
	case is(b, "NORMAL"):
		return "normal", true
	case is(b, "PUBSUB"):
		return "pubsub", true
	case is(b, "MASTER"), is(b, "REPLICA"), is(b, "SLAVE"):
		return "replica", true
	}
	return "", false
}

// typeName is the client's type, for reading by others.
func (s *Session) typeName() string {
	c := &s.client
	if c.sub.Load()+c.psub.Load()+c.ssub.Load() > 0 && !c.monitor.Load() {
		return "pubsub"
	}
	return "normal"
}

func cmdClientInfo(s *Session, a [][]byte) {
	s.client.sync(s)
	s.w.verbatim("txt", s.line(a)+"\n")
}

func cmdClientId(s *Session, _ [][]byte) { s.w.int(s.client.id) }

func cmdClientGetname(s *Session, _ [][]byte) {
	if p := s.client.name.Load(); p != nil {
		s.w.str(*p)
	} else {
		s.w.null()
	}
}

// setName sets the name of the client, or answers an error.
func (s *Session) setName(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' {
			s.fail("ERR Client names cannot contain spaces, newlines or special characters.")
			return false
		}
	}
	if len(b) == 0 {
		s.client.name.Store(nil)
	} else {
		name := string(b)
		s.client.name.Store(&name)
	}
	return true
}

func cmdClientSetname(s *Session, a [][]byte) {
	if s.setName(a[2]) {
		s.w.ok()
	}
}

func cmdClientNoEvict(s *Session, a [][]byte) {
	switch {
	case is(a[2], "ON"):
		s.client.noEvict.Store(true)
	case is(a[2], "OFF"):
		s.client.noEvict.Store(false)
	default:
		s.fail(msgSyntax)
		return
	}
	s.w.ok()
}

func cmdClientReply(s *Session, a [][]byte) {
	switch {
	case is(a[2], "ON"):
		s.noReply = replyOn
		s.w.ok()
	case is(a[2], "OFF"):
		s.noReply = replyOff
	case is(a[2], "SKIP"):
		if s.noReply != replyOff {
			s.noReply = replySkipNext
		}
	default:
		s.fail(msgSyntax)
	}
}

// killFilter is what CLIENT KILL looks for.
type killFilter struct {
	id          int64
	addr, laddr string
	class, user string
	skipMe      bool
}

func cmdClientKill(s *Session, a [][]byte) {
	f := killFilter{skipMe: true}
	old := len(a) == 3
	if old {
		f.addr, f.skipMe = string(a[2]), false
	} else if !s.parseKill(a[2:], &f) {
		return
	}
	n := 0
	for _, o := range s.db.clients.list() {
		if f.addr != "" && o.o.Addr != f.addr || f.laddr != "" && o.o.LocalAddr != f.laddr ||
			f.id != 0 && o.client.id != f.id || f.class != "" && o.typeName() != f.class ||
			f.user != "" && f.user != "default" || f.skipMe && o == s {
			continue
		}
		n++
		if o == s {
			s.closing = true
		} else if !o.client.killed.Swap(true) && o.o.Kill != nil {
			o.o.Kill()
		}
	}
	switch {
	case !old:
		s.w.count(n)
	case n == 0:
		s.fail("ERR No such client")
	default:
		s.w.ok()
	}
}

func (s *Session) parseKill(a [][]byte, f *killFilter) bool {
	if len(a)%2 != 0 {
		s.fail(msgSyntax)
		return false
	}
	for i := 0; i < len(a); i += 2 {
		v := a[i+1]
		switch {
		case is(a[i], "ID"):
			id, ok := parseInt(v)
			if !ok || id < 1 {
				s.fail("ERR client-id should be greater than 0")
				return false
			}
			f.id = id
		case is(a[i], "TYPE"):
			class, ok := clientType(v)
			if !ok {
				s.fail("ERR Unknown client type '" + string(v) + "'")
				return false
			}
			f.class = class
		case is(a[i], "ADDR"):
			f.addr = string(v)
		case is(a[i], "LADDR"):
			f.laddr = string(v)
		case is(a[i], "USER"):
			if string(v) != "default" {
				s.fail("ERR No such user '" + string(v) + "'")
				return false
			}
			f.user = string(v)
		case is(a[i], "SKIPME") && is(v, "YES"):
			f.skipMe = true
		case is(a[i], "SKIPME") && is(v, "NO"):
			f.skipMe = false
		default:
			s.fail(msgSyntax)
			return false
		}
	}
	return true
}

func cmdClientUnblock(s *Session, a [][]byte) {
	byError := false
	if len(a) > 4 {
		s.badSubcommand(a)
		return
	}
	if len(a) == 4 {
		switch {
		case is(a[3], "TIMEOUT"):
		case is(a[3], "ERROR"):
			byError = true
		default:
			s.fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
			return
		}
	}
	id, ok := s.intArg(a[2])
	if !ok {
		return
	}
	s.w.bool(s.db.blocking.unblock(id, byError))
}

const msgUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

// unblock answers the waiter of a client, as if its time were over.
func (b *blocking) unblock(id int64, byError bool) bool {
	var found *waiter
	b.mu.Lock()
	for _, list := range b.by {
		for _, w := range list {
			if w.s.client.id == id && !w.s.trusted {
				found = w
			}
		}
	}
	b.mu.Unlock()
	if found == nil {
		return false
	}
	answer := found.nobody
	if byError {
		answer = func(w *writer) { w.fail(msgUnblocked) }
	}
	ended := b.end(found, answer)
	if ended && byError {
		b.db.stats.countError(msgUnblocked)
		if c := found.s.client.lastCmd.Load(); c != nil {
			c.stat.failed.Add(1)
		}
	}
	return ended
}

func cmdClientPause(s *Session, a [][]byte) {
	if len(a) > 4 {
		s.badSubcommand(a)
		return
	}
	writes := false
	if len(a) == 4 {
		switch {
		case is(a[3], "WRITE"):
			writes = true
		case is(a[3], "ALL"):
		default:
			s.fail("ERR CLIENT PAUSE mode must be WRITE or ALL")
			return
		}
	}
	if timeout, ok := s.millisArg(a[2]); ok {
		s.db.pause.set(s.db, timeout, writes)
		s.w.ok()
	}
}

func cmdClientUnpause(s *Session, _ [][]byte) {
	s.db.pause.end(s.db)
	s.w.ok()
}
