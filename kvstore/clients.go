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

// line is the client's line in CLIENT LIST.
func (s *Session) line() string {
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
	idle := max(0, s.db.uptime()-time.Duration(c.usedAt.Load()))
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=%d oll=0 omem=0 tot-mem=%d events=r cmd=%s user=default redir=-1 resp=%d",
		c.id, s.o.Addr, s.o.LocalAddr, s.o.FD, name, int(time.Since(c.began).Seconds()), int(idle.Seconds()), flags, c.db.Load(),
		c.sub.Load(), c.psub.Load(), c.ssub.Load(), c.multi.Load(), in, inFree, out, 1024+in+inFree+out, cmd, c.proto.Load())
}

func cmdClientList(s *Session, a [][]byte) {
	only := func(*Session) bool { return true }
	switch {
	case len(a) == 4 && is(a[2], "TYPE"):
		class, ok := clientType(a[3])
		if !ok {
			s.fail("ERR Unknown client type '" + string(a[3]) + "'")
			return
		}
		only = func(o *Session) bool { return o.typeName() == class }
	case len(a) > 3 && is(a[2], "ID"):
		ids := make(map[int64]bool)
		for _, arg := range a[3:] {
			id, ok := parseInt(arg)
			if !ok || id < 1 {
				s.fail("ERR Invalid client ID")
				return
			}
			ids[id] = true
		}
		only = func(o *Session) bool { return ids[o.client.id] }
	case len(a) != 2:
		s.fail(msgSyntax)
		return
	}
	s.client.sync(s)
	var b strings.Builder
	for _, o := range s.db.clients.list() {
		if only(o) {
			b.WriteString(o.line() + "\n")
		}
	}
	s.w.verbatim("txt", b.String())
}

// sync takes over what only the owner knows.
func (c *clientInfo) sync(s *Session) {
	c.db.Store(int32(s.dbi))
	c.proto.Store(int32(s.w.proto))
	c.multi.Store(-1)
	if s.multi != nil {
		c.multi.Store(int32(len(s.multi.queue)))
	}
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

func cmdClientInfo(s *Session, _ [][]byte) {
	s.client.sync(s)
	s.w.verbatim("txt", s.line()+"\n")
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
		answer = func(w *writer) { w.fail("UNBLOCKED client unblocked via CLIENT UNBLOCK") }
	}
	return b.end(found, answer)
}

func cmdClientPause(s *Session, a [][]byte) {
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
	ms, ok := parseInt(a[2])
	switch {
	case !ok:
		s.fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		s.fail("ERR timeout is negative")
	default:
		s.db.pause.set(s.db, time.Duration(min(ms, 1<<40))*time.Millisecond, writes)
		s.w.ok()
	}
}

func cmdClientUnpause(s *Session, _ [][]byte) {
	s.db.pause.end(s.db)
	s.w.ok()
}

func cmdHello(s *Session, a [][]byte) {
	proto := s.w.proto
	if len(a) > 1 {
		n, ok := parseInt(a[1])
		if !ok {
			s.fail("ERR Protocol version is not an integer or out of range")
			return
		}
		if n != 2 && n != 3 {
			s.fail("NOPROTO unsupported protocol version")
			return
		}
		proto = int(n)
	}
	var name []byte
	for i := 2; i < len(a); i++ {
		switch {
		case is(a[i], "AUTH") && i+2 < len(a):
			if !s.authenticate(a[i+1], a[i+2]) {
				return
			}
			i += 2
		case is(a[i], "SETNAME") && i+1 < len(a):
			name = a[i+1]
			if !s.setName(name) {
				return
			}
			i++
		default:
			s.fail("ERR Syntax error in HELLO option '" + string(a[i]) + "'")
			return
		}
	}
	if !s.authed {
		s.fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	s.w.proto = proto
	s.client.proto.Store(int32(proto))
	s.w.mapHead(7)
	s.w.str("server")
	s.w.str("redis")
	s.w.str("version")
	s.w.str(redisVersion)
	s.w.str("proto")
	s.w.count(proto)
	s.w.str("id")
	s.w.int(s.client.id)
	s.w.str("mode")
	s.w.str("standalone")
	s.w.str("role")
	s.w.str("master")
	s.w.str("modules")
	s.w.emptyArray()
}

// redisVersion is that of the Redis whose commands and texts are followed; clients
// choose by it what they send.
const redisVersion = "7.0.15"

func (s *Session) authenticate(user, password []byte) bool {
	if want := s.db.password(); string(user) != "default" || want != "" && !sameSecret(password, want) {
		s.fail("WRONGPASS invalid username-password pair or user is disabled.")
		return false
	}
	s.authed = true
	s.setSpecial()
	return true
}

// sameSecret compares in a time that does not tell where the difference is.
func sameSecret(a []byte, b string) bool {
	diff := len(a) ^ len(b)
	for i := range a {
		diff |= int(a[i] ^ b[i%max(1, len(b))])
	}
	return diff == 0
}

func cmdAuth(s *Session, a [][]byte) {
	if len(a) > 3 {
		s.fail(msgSyntax)
		return
	}
	user, password := []byte("default"), a[len(a)-1]
	if len(a) == 3 {
		user = a[1]
	} else if s.db.password() == "" {
		s.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if s.authenticate(user, password) {
		s.w.ok()
	}
}

func cmdReset(s *Session, _ [][]byte) {
	s.endMulti()
	s.unsubscribeAll()
	s.db.monitors.remove(s)
	s.dbi = 0
	s.w.proto = 2
	s.client.proto.Store(2)
	s.client.db.Store(0)
	s.client.name.Store(nil)
	s.client.noEvict.Store(false)
	s.noReply = replyOn
	s.authed = s.trusted || s.db.password() == ""
	s.setSpecial()
	s.w.status("RESET")
}

func cmdQuit(s *Session, _ [][]byte) {
	s.closing = true
	s.w.ok()
}

func cmdPing(s *Session, a [][]byte) {
	if len(a) > 2 {
		s.fail(wrongArity(s.cmd))
		return
	}
	if s.w.proto < 3 && s.subs.n() > 0 {
		s.w.array(2)
		s.w.str("pong")
		if len(a) == 2 {
			s.w.bulk(a[1])
		} else {
			s.w.str("")
		}
		return
	}
	if len(a) == 2 {
		s.w.bulk(a[1])
	} else {
		s.w.status("PONG")
	}
}

func cmdEcho(s *Session, a [][]byte) { s.w.bulk(a[1]) }

func cmdSelect(s *Session, a [][]byte) {
	n, ok := s.intArg(a[1])
	switch {
	case !ok:
	case n < 0 || n >= int64(s.db.sp.DBs()):
		s.fail("ERR DB index is out of range")
	default:
		s.dbi = int(n)
		s.client.db.Store(int32(n))
		s.w.ok()
	}
}

// monitors are the sessions that see all commands.
type monitors struct {
	n  atomic.Int64
	mu sync.Mutex
	by map[*Session]struct{} // guarded by mu
}

func cmdMonitor(s *Session, _ [][]byte) {
	m := &s.db.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = make(map[*Session]struct{})
	}
	if _, ok := m.by[s]; !ok {
		m.by[s] = struct{}{}
		m.n.Add(1)
		s.client.monitor.Store(true)
	}
	s.w.ok()
}

func (m *monitors) remove(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.by[s]; ok {
		delete(m.by, s)
		m.n.Add(-1)
		s.client.monitor.Store(false)
	}
}

// feed tells the monitors of a command.
func (m *monitors) feed(s *Session, c *command, a [][]byte) {
	if c.flags&(fAdmin|fSkipSlowlog) != 0 {
		return
	}
	now := s.db.now()
	b := fmt.Appendf(nil, "+%d.%06d [%d %s]", now.Unix(), now.Nanosecond()/1000, s.dbi, s.o.Addr)
	for _, arg := range a {
		b = append(b, ' ')
		b = appendRepr(b, arg)
	}
	b = append(b, '\r', '\n')
	m.mu.Lock()
	defer m.mu.Unlock()
	for o := range m.by {
		o.deliver(b, 0, false)
	}
}

// appendRepr appends a quoted string as Redis prints it.
func appendRepr(dst, v []byte) []byte {
	dst = append(dst, '"')
	for _, c := range v {
		switch {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\a':
			dst = append(dst, '\\', 'a')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c < ' ' || c > '~':
			dst = fmt.Appendf(dst, "\\x%02x", c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// slowLog keeps the commands that took long.
type slowLog struct {
	mu   sync.Mutex
	last int64     // guarded by mu; id of the next one
	list []slowCmd // guarded by mu; the newest first
}

type slowCmd struct {
	id, at     int64
	took       time.Duration
	args       [][]byte
	addr, name string
}

func (l *slowLog) add(s *Session, a [][]byte, took time.Duration) {
	most := s.db.conf.slowMax.Load()
	var args [][]byte
	for i, b := range a {
		if i == 31 && len(a) > 32 {
			args = append(args, fmt.Appendf(nil, "... (%d more arguments)", len(a)-31))
			break
		}
		if len(b) > 128 {
			b = fmt.Appendf(slices.Clone(b[:128]), "... (%d more bytes)", len(b)-128)
		}
		args = append(args, slices.Clone(b))
	}
	name := ""
	if p := s.client.name.Load(); p != nil {
		name = *p
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.Insert(l.list, 0, slowCmd{l.last, s.db.now().Unix(), took, args, s.o.Addr, name})
	l.last++
	if int64(len(l.list)) > most {
		l.list = l.list[:most]
	}
}

func cmdSlowlogGet(s *Session, a [][]byte) {
	n := int64(10)
	if len(a) == 3 {
		var ok bool
		if n, ok = s.rangeArg(a[2], -1, 1<<31-1, "ERR count should be greater than or equal to -1"); !ok {
			return
		}
	}
	l := &s.db.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	if n >= 0 && n < int64(len(list)) {
		list = list[:n]
	}
	s.w.array(len(list))
	for _, c := range list {
		s.w.array(6)
		s.w.int(c.id)
		s.w.int(c.at)
		s.w.int(c.took.Microseconds())
		s.w.array(len(c.args))
		for _, b := range c.args {
			s.w.bulk(b)
		}
		s.w.str(c.addr)
		s.w.str(c.name)
	}
}

func cmdSlowlogLen(s *Session, _ [][]byte) {
	l := &s.db.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	s.w.count(len(l.list))
}

func cmdSlowlogReset(s *Session, _ [][]byte) {
	l := &s.db.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
	s.w.ok()
}

func cmdCommandCount(s *Session, _ [][]byte) {
	n := 0
	for _, c := range s.db.cmds.Load().all {
		if !strings.Contains(c.name, "|") {
			n++
		}
	}
	s.w.count(n)
}

func cmdHelp(s *Session, a [][]byte) {
	parent := s.db.cmds.Load().find(a[0])
	s.w.array(2 + len(parent.subs))
	s.w.status(parent.upper + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, c := range parent.subs {
		s.w.status(c.upper + " (" + strconv.Itoa(max(c.arity, -c.arity)-2) + " or more arguments)")
	}
	s.w.status("See https://redis.io/commands.")
}
