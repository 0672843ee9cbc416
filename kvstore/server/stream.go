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

// execute runs the commands in b and returns what is not one yet. When there is
// much output, flush is called, and if it is false then everything is over.
func (s *stream) execute(b []byte, flush func() bool) (rest []byte) {
	s.begin()
	s.parser.MaxBulk = s.db.Limits().MaxBulk
	s.parser.Restricted = !s.session.Authenticated()
	for !s.ending {
		args, n, err := s.parser.Next(b)
		b = b[n:]
		if err != nil {
			s.out = resp.AppendError(s.out, "ERR "+err.Error())
			s.ending = true
			break
		}
		if args == nil {
			break
		}
		s.out = s.session.Exec(s.out, args)
		s.run++
		if s.session.Blocked() {
			break
		}
		if s.session.Closing() || s.killed.Load() {
			s.ending = true
		}
		if s.parser.Restricted {
			s.parser.Restricted = !s.session.Authenticated()
		}
		if len(s.out)-s.sent >= flushOut && !flush() {
			return nil
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

// refuse takes back the replies of this round, whose writes are not safe.
func (s *stream) refuse(err error) {
	s.out = s.out[:max(s.before, s.sent)]
	for range s.run {
		s.out = resp.AppendError(s.out, "MISCONF Errors writing to the AOF file: "+err.Error())
	}
}

// endRound ends a round whose output is sent.
func (s *stream) endRound() { s.run, s.ticket, s.before = 0, 0, len(s.out) }
