package kvstore

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// counters are shared by all sessions.
type counters struct {
	commands, hits, misses, expired, evicted, dirty, netIn, netOut, reads, writes atomic.Int64
	expireTime                                                                    atomic.Int64 // nanoseconds of looking for expired keys

	mu     sync.Mutex
	errors map[string]int64 // guarded by mu; by code
}

// countError counts an error reply by its code.
func (c *counters) countError(text string) {
	code := text
	for i := range len(text) {
		if text[i] == ' ' {
			code = text[:i]
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.errors == nil {
		c.errors = make(map[string]int64)
	}
	if len(c.errors) < 128 || c.errors[code] > 0 {
		c.errors[code]++
	}
}

func (c *counters) reset() {
	for _, n := range []*atomic.Int64{&c.commands, &c.hits, &c.misses, &c.expired, &c.evicted, &c.netIn, &c.netOut, &c.reads, &c.writes, &c.expireTime} {
		n.Store(0)
	}
	c.mu.Lock()
	c.errors = nil
	c.mu.Unlock()
}

type errorCount struct {
	code string
	n    int64
}

func (c *counters) errorList() []errorCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []errorCount
	for code, n := range c.errors {
		list = append(list, errorCount{code, n})
	}
	slices.SortFunc(list, func(a, b errorCount) int { return strings.Compare(a.code, b.code) })
	return list
}

// CountIO counts bytes that the client of the session has sent and was sent.
func (s *Session) CountIO(in, out int) {
	st := &s.db.stats
	if in > 0 {
		st.netIn.Add(int64(in))
		st.reads.Add(1)
	}
	if out > 0 {
		st.netOut.Add(int64(out))
		st.writes.Add(1)
	}
}
