package kvstore

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// monitors are the sessions that see all commands.
type monitors struct {
	n  atomic.Int64
	mu sync.Mutex
	by map[*Session]struct{} // guarded by mu
}

func cmdMonitor(s *Session, _ [][]byte) {
	if s.held != 0 {
		s.fail("ERR MONITOR isn't allowed for DENY BLOCKING client")
		return
	}
	m := &s.db.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = make(map[*Session]struct{})
	}
	if _, ok := m.by[s]; !ok { // else there is no answer
		m.by[s] = struct{}{}
		m.n.Add(1)
		s.client.monitor.Store(true)
		s.setSpecial()
		s.w.ok()
	}
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

// feed tells the monitors of a command that has run.
func (m *monitors) feed(s *Session, c *command, a [][]byte) {
	if c.flags&fAdmin != 0 || c.name == "quit" {
		return
	}
	now, addr := s.db.now(), s.o.Addr
	if path := unixPath(addr); path != "" {
		addr = "unix:" + path
	}
	b := fmt.Appendf(nil, "+%d.%06d [%d %s]", now.Unix(), now.Nanosecond()/1000, s.dbi, addr)
	for _, arg := range redacted(c, a) {
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
