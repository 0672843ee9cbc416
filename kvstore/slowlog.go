package kvstore

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

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

func (l *slowLog) add(s *Session, c *command, a [][]byte, took time.Duration) {
	most := s.db.conf.slowMax.Load()
	var args [][]byte
	for i, b := range redacted(c, a) {
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
	if len(a) > 3 {
		s.badSubcommand(a)
		return
	}
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
