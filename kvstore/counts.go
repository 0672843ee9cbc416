package kvstore

import "time"

// A tally is what commands of one kind that followed one another have to be counted
// as: to count each would cost more than many of them take.
type tally struct {
	cmd                         *command
	calls, nanos, failed, dirty int64
}

// handIn counts in the DB what was not yet; commands of a kind come next.
func (s *Session) handIn(next *command) {
	t := &s.tally
	if t.calls > 0 {
		st := t.cmd.stat
		st.calls.Add(t.calls)
		st.nanos.Add(t.nanos)
		if t.failed > 0 {
			st.failed.Add(t.failed)
		}
		if !s.trusted {
			s.client.used(t.cmd, s.lap)
		}
	}
	if t.dirty > 0 {
		s.db.stats.dirty.Add(t.dirty)
	}
	*t = tally{cmd: next}
}

// count counts a command that has run.
func (s *Session) count(c *command, a [][]byte) {
	now := s.db.uptime()
	took := now - s.lap
	s.lap = now
	if s.tally.cmd != c { // it has run others
		s.handIn(c)
	}
	s.tally.calls++
	s.tally.nanos += int64(took)
	s.commands++
	if s.failed {
		s.tally.failed++
	}
	if limit := s.db.conf.slowerThan.Load(); limit >= 0 && took >= time.Duration(limit)*time.Microsecond && c.flags&fSkipSlowlog == 0 {
		s.db.slow.add(s, c, a, took)
	}
}

// EndBatch ends the commands that arrived together. It returns a ticket for
// [DB.Commit]: 0 if the replies may be sent at once.
func (s *Session) EndBatch() uint64 {
	s.handIn(nil)
	s.lap = 0
	if s.commands > 0 {
		st := &s.db.stats
		st.commands.Add(s.commands)
		if s.hits > 0 {
			st.hits.Add(s.hits)
		}
		if s.misses > 0 {
			st.misses.Add(s.misses)
		}
		s.commands, s.hits, s.misses = 0, 0, 0
	}
	t := s.last
	s.last = 0
	return t
}
