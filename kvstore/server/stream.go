package server

import (
	"sync/atomic"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/resp"
)

// A stream is what a connection is without its socket: input becomes commands of a
// session, whose replies become output. It is for one goroutine at a time.
type stream struct {
	db      *kvstore.DB
	session *kvstore.Session
	parser  resp.Parser

	in     []byte // input that is not a command yet
	out    []byte // from sent on, what is not sent yet
	sent   int
	before int    // length of out when the commands of this round began
	run    int    // number of those commands
	ticket uint64 // of those commands

	ending bool        // is to be closed when everything is sent
	killed atomic.Bool // by CLIENT KILL
}

const (
	keptInput = 64 << 10 // a connection keeps no larger buffer for input
	flushOut  = 1 << 20  // so much output is sent within a round
)

// A batch is the commands that are found before the first of them is run, so that
// all their keys can be looked for at once.
type batch struct {
	args [][]byte // of all of them
	cmds [kvstore.MostPrefetched][][]byte
	ends [kvstore.MostPrefetched]int // where they end in the input
}

// find finds the next commands in b and returns their number, and that of the bytes
// that are done with. Clients without a password get one at a time: the first may be
// AUTH.
func (s *stream) find(b []byte, into *batch) (n, used int, err error) {
	most := len(into.cmds)
	if s.parser.Restricted = !s.session.Authenticated(); s.parser.Restricted {
		most = 1
	}
	into.args = into.args[:0]
	for n < most {
		args, size, err := s.parser.Next(b[used:])
		used += size
		if args == nil {
			return n, used, err
		}
		start := len(into.args)
		into.args = append(into.args, args...)
		into.cmds[n] = into.args[start:len(into.args):len(into.args)]
		into.ends[n] = used
		n++
		if len(into.args) > 1000 { // commands so large are dear enough
			break
		}
	}
	return n, used, nil
}

// execute runs the commands in b and returns what is not one yet. When there is
// much output, flush is called, and if it is false then everything is over.
func (s *stream) execute(b []byte, batch *batch, flush func() bool) (rest []byte) {
	s.begin()
	s.parser.MaxBulk = s.db.Limits().MaxBulk
	for !s.ending {
		n, used, err := s.find(b, batch)
		if n > 1 {
			s.session.Prefetch(batch.cmds[:n])
		}
		for i := range n {
			s.out = s.session.Exec(s.out, batch.cmds[i])
			s.run++
			if s.session.Blocked() {
				s.parser.Reset()
				s.endBatch()
				return b[batch.ends[i]:]
			}
			if s.session.Closing() || s.killed.Load() {
				s.ending = true
				break
			}
			if len(s.out)-s.sent >= flushOut && !flush() {
				return nil
			}
		}
		if s.ending {
			break
		}
		if err != nil {
			s.out = resp.AppendError(s.out, "ERR "+err.Error())
			s.ending = true
			break
		}
		b = b[used:]
		if n == 0 {
			break
		}
	}
	s.endBatch()
	if s.ending {
		return nil
	}
	return b
}

// begin notes where the replies of a round begin.
func (s *stream) begin() {
	if s.run == 0 {
		s.before = len(s.out)
	}
}

func (s *stream) endBatch() { s.ticket = max(s.ticket, s.session.EndBatch()) }

// resume appends what others have for the session. It tells whether a command that
// waited does so no more: then there may be commands in s.in.
func (s *stream) resume() bool {
	s.begin()
	waited := s.session.Blocked()
	s.out = s.session.Resume(s.out)
	done := waited && !s.session.Blocked()
	if done {
		s.run++
		s.ending = s.ending || s.session.Closing()
	}
	s.endBatch()
	return done
}

// keep keeps input for later; it may be a part of s.in.
func (s *stream) keep(rest []byte) {
	switch {
	case len(rest) > 0:
		s.in = append(s.in[:0], rest...) // append moves overlapping bytes rightly
	case cap(s.in) > keptInput:
		s.in = nil
	default:
		s.in = s.in[:0]
	}
}

// tooMuchInput tells whether more has come than a command may have.
func (s *stream) tooMuchInput() bool {
	most := s.db.Limits().QueryBuffer
	return most > 0 && int64(len(s.in)) > most
}

// exceeds tells whether so much output is more than the hard limit, whether or not the
// client is quick to read it: as in Redis it gets none of it.
func (s *stream) exceeds(n int) bool {
	return s.db.Limits().Output[s.session.Class()].Exceeded(n)
}

// refuse takes back the replies of this round, whose writes are not safe.
func (s *stream) refuse(err error) {
	s.out = s.out[:max(s.before, s.sent)]
	for range s.run {
		s.out = resp.AppendError(s.out, "MISCONF Errors writing to the AOF file: "+err.Error())
	}
}

// endRound ends a round whose output is sent.
func (s *stream) endRound() { s.run, s.ticket, s.before = 0, 0, len(s.out) }
